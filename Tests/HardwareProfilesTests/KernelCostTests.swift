import Testing

@testable import HardwareProfiles

@Suite struct KernelCostTests {
  private let conv = KernelWorkload(
    name: "conv", op: "Conv", kind: .product, rows: 13, depth: 27, columns: 40, runs: 3,
    weightBits: 4, inputs: 507, outputs: 520)

  @Test func countsAreThoseOfWholeTiles() {
    let tile = KernelCost.Tile(rows: 12, columns: 32, lanes: 16, depth: 4)
    let counts = KernelCost.counts(of: conv, tile: tile, isFar: false)
    #expect(counts[.mac] == 17_472)
    #expect(counts[.tile] == 4)
    #expect(counts[.run] == 12)
    #expect(counts[.weight] == 540)
    #expect(counts[.farWeight] == 0)
  }

  @Test func runsOfTheDepthAreFilledUpOneByOne() {
    let tile = KernelCost.Tile(columns: 16, lanes: 16, run: 4)
    // 3 runs of 9 take 12 each.
    #expect(KernelCost.counts(of: conv, tile: tile, isFar: false)[.mac] == 22_464)
  }

  @Test func farWeightsOfASingleTileAreStreamed() {
    var product = conv
    let tile = KernelCost.Tile(rows: 12)
    let many = KernelCost.counts(of: product, tile: tile, isFar: true)
    #expect(many[.farWeight] == 540)
    #expect(many[.streamedWeight] == 0)
    #expect(many[.farInput] == 507)
    product.rows = 12
    #expect(KernelCost.counts(of: product, tile: tile, isFar: true)[.streamedWeight] == 540)
    #expect(KernelCost.counts(of: product, tile: tile, isFar: false)[.streamedWeight] == 0)
  }

  @Test func theFirstKernelThatCoversAWorkloadCounts() {
    let four = KernelCost(kind: .product, weightBits: [4], seconds: [.call: 1])
    let any = KernelCost(kind: .product, seconds: [.call: 2, .output: 0.5])
    let profile = HardwareProfile(
      name: "x", title: "X", cores: 1, clock: 1e9, memory: .init(), precisions: [],
      kernels: [four, any], provenance: .init(kind: .datasheet))
    #expect(profile.seconds(of: conv, threads: 1, weightBytes: 0) == 1)
    var wide = conv
    wide.weightBits = 8
    #expect(profile.seconds(of: wide, threads: 1, weightBytes: 0) == 262)
    wide.kind = .depthwise
    #expect(profile.seconds(of: wide, threads: 1, weightBytes: 0) == nil)
  }
}
