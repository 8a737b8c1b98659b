import Foundation
import Testing

@testable import HardwareProfiles

/// The profiles of `hardware-profiles/`.
@Suite struct ShippedProfileTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("hardware-profiles").path
  private static let library = ProfileLibrary(folders: [folder])

  @Test func thoseOfTheDesignAreThere() {
    let expected = [
      "apple-m1", "coral-edgetpu", "cortex-a53", "cortex-a72", "cortex-a76", "cortex-m0plus",
      "cortex-m33", "cortex-m4", "cortex-m55", "cortex-m7", "ethos-u55-128", "jetson-agx-orin",
      "neoverse-n1", "nrf5340", "nvidia-t4", "raspberry-pi-4", "raspberry-pi-5", "stm32f746",
      "stm32g0b1", "stm32h7a3", "stm32l4r5", "stm32u575",
    ]
    #expect(Set(expected).isSubset(of: Self.library.names))
  }

  @Test(arguments: library.names)
  func everyFileIsValidAndReadsBackEqual(name: String) throws {
    let path = try #require(Self.library.path(of: name))
    #expect(ProfileFile.errors(path: path, library: Self.library) == [])
    let profile = try Self.library.profile(name)
    #expect(profile.name == name)
    #expect(profile.software != nil)
    let folder = try ProfileFolder()
    try folder.write(ProfileFile.text(of: profile), as: name)
    #expect(try folder.load(name) == profile)
  }

  /// A step of each kind has a time on every device.
  @Test(arguments: library.names)
  func everyKindOfStepIsPriced(name: String) throws {
    let profile = try Self.library.profile(name)
    for kind in KernelWorkload.Kind.allCases where kind != .blocked {
      let isFloat = kind == .float
      let work = KernelWorkload(
        name: "step", op: kind == .product ? "Conv" : "", kind: kind, rows: 100, depth: 32,
        columns: 16, weightBits: kind == .product ? 8 : 0, activationBits: isFloat ? 32 : 8,
        inputs: 3200, outputs: 1600)
      for threads in 1...profile.cores {
        let seconds = try #require(
          profile.seconds(of: work, threads: threads, weightBytes: 512), "\(kind)")
        #expect(seconds > 0)
      }
    }
  }

  @Test func aClockBelongsToThePart() throws {
    let core = try Self.library.profile("cortex-m4")
    let slower = try Self.library.profile("stm32l4r5")
    #expect(core.kernels == slower.kernels)
    #expect(slower.memory == .init(flash: 2 << 20, ram: 640 << 10, weights: .flash))
    let four = try Self.library.profile("nvidia-t4")
    #expect(four.weightBits(of: "Conv") == [8])
    #expect(four.weightBits(of: "Conv", activationBits: 4) == [4])
  }

  @Test func narrowActivationsRunOnTheirKernelsElseOnThoseForBytes() throws {
    func seconds(_ name: String, weights: Int, activations: Int) throws -> Double? {
      try Self.library.profile(name).seconds(
        of: KernelWorkload(
          name: "step", op: "Conv", kind: .product, rows: 100, depth: 32, columns: 64,
          weightBits: weights, activationBits: activations, inputs: 3200, outputs: 6400),
        threads: 1, weightBytes: 512)
    }
    let bytes = try #require(try seconds("nvidia-t4", weights: 8, activations: 8))
    #expect(try #require(try seconds("nvidia-t4", weights: 4, activations: 4)) < bytes)
    #expect(try seconds("nvidia-t4", weights: 8, activations: 4) == bytes)
    #expect(
      try seconds("cortex-m4", weights: 8, activations: 4)
        == seconds("cortex-m4", weights: 8, activations: 8))
  }
}
