import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import Calibration

@Suite struct OutputErrorRangeTests {
  let pool = WorkerPool(threadCount: 1)

  /// A product on two channels: one up to twenty, one up to a hundred.
  private func layer(
    weights: [Float], outputs: Int
  ) throws -> (rows: WeightRows, inputs: LayerInputSample) {
    let node = Node(name: "fc", op: "Gemm", inputs: ["x", "w"], outputs: ["y"])
    let observed = try ObservedLayer(name: "fc", node: node, weightShape: [outputs, 2])
    var sample = LayerInputSample(layer: observed, columnsPerSample: 256, expectedSamples: 1)
    var generator = SplitMix64(seed: 3)
    let x = (0..<256).flatMap { _ in
      [Float.random(in: 0...20, using: &generator), Float.random(in: 0...100, using: &generator)]
    }
    try sample.take(from: Tensor(x, shape: [256, 2]), sample: 0, pool: pool)
    let rows = try WeightRows(Tensor(weights, shape: [outputs, 2]), named: "w", axis: 0)
    return (rows, sample)
  }

  private func edge(_ search: OutputErrorRange?, guess: Float = 60) throws -> Float {
    try #require(search).range(around: 0...guess, within: 0...100) {
      AffineParameters.covering(low: $0.lowerBound, high: $0.upperBound, bits: 4)
    }.upperBound
  }

  @Test func channelsCountAsTheLayerWeighsThem() throws {
    let onlyFirst = try layer(weights: [1, 0], outputs: 1)
    let onlySecond = try layer(weights: [0, 1], outputs: 1)
    let small = try edge(.init(layers: [onlyFirst], countsItself: false, pool: pool))
    let large = try edge(.init(layers: [onlySecond], countsItself: false, pool: pool))
    #expect(small < 40)
    #expect(large > 85 && large <= 100)
    // A second reader that needs the range, or a shortcut, keeps it wide.
    #expect(
      try edge(.init(layers: [onlyFirst, onlySecond], countsItself: false, pool: pool)) > small)
    #expect(try edge(.init(layers: [onlyFirst], countsItself: true, pool: pool)) > small)
  }

  @Test func mixturesOfManyRowsFindWhatTheRowsFind() throws {
    let wide = try layer(weights: (0..<200).flatMap { [1 + Float($0 % 3), 0] }, outputs: 200)
    let one = try layer(weights: [1, 0], outputs: 1)
    let found = try edge(.init(layers: [wide], countsItself: false, pool: pool))
    #expect(found == (try edge(.init(layers: [one], countsItself: false, pool: pool))))
  }

  @Test func nothingIsKnownWithoutALayer() throws {
    #expect(OutputErrorRange(layers: [], countsItself: true, pool: pool) == nil)
    let silent = try layer(weights: [0, 0], outputs: 1)
    #expect(OutputErrorRange(layers: [silent], countsItself: false, pool: pool) == nil)
  }
}
