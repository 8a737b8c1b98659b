import Testing

@testable import HardwareProfiles

@Suite struct ProfileTextTests {
  private static let profile = HardwareProfile(
    name: "x86-64", title: "A \"host\": 50 % \u{e9}\u{7}, # not a comment ", software: "tapq 1.0",
    cores: 2,
    clock: 2_593_906_000.5, memory: .init(flash: 1_000_001, ram: 3 << 30, weights: .ram, cache: 99),
    precisions: [
      .init(weights: [2, 4, 8], activations: [8]),
      .init(
        operators: ["MatMul"], weights: [4], activations: [8, 16], granularity: .block,
        blockSizes: [32, 64], isSymmetric: false),
    ],
    kernels: [
      .init(
        kind: .product, operators: ["Conv"], weightBits: [4], activationBits: [8], threads: [1, 2],
        tile: .init(rows: 12, columns: 32, lanes: 16, depth: 4),
        seconds: [.call: 1.0 / 3e6, .mac: 1.234e-12, .farWeight: 0]),
      .init(kind: .product, seconds: [.call: 1e-6]),
      .init(kind: .depthwise, seconds: [.mac: 7e-17]),
      .init(kind: .blocked, seconds: [.mac: 3e-11]),
    ], inferenceSeconds: 1e-5, exchangeSeconds: 4e-11,
    provenance: .init(
      kind: .measured, source: "yes", figures: "null", tool: "tapq 1.0", date: "2026-05-31",
      host: "AMD EPYC", fitError: 0.0412345))

  @Test func whatIsWrittenReadsBackEqual() throws {
    let folder = try ProfileFolder()
    let file = try folder.write(ProfileFile.text(of: Self.profile), as: "x86-64")
    #expect(ProfileFile.errors(path: file) == [])
    #expect(try ProfileFile.load(path: file) == Self.profile)
  }

  @Test func aProfileWithoutOptionalPartsReadsBackEqual() throws {
    var profile = Self.profile
    profile.software = nil
    profile.memory = .init()
    profile.inferenceSeconds = 0
    profile.provenance = .init(kind: .datasheet, source: "- dash")
    let folder = try ProfileFolder()
    try folder.write(ProfileFile.text(of: profile), as: "plain")
    #expect(try folder.load("plain") == profile)
  }
}
