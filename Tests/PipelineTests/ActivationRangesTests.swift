import Calibration
import GraphIR
import Lowering
import Parallelism
import Quantization
import Tensors
import Testing

@testable import Pipeline

@Suite struct ActivationRangesTests {
  /// `t = Relu(b + r)`, with `b` from -10 to 2 and `r` from 0 to 1.
  private func scale(_ method: RangeMethod) throws -> Float {
    let pool = WorkerPool(threadCount: 1)
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [1, 1, 1, 2000].map { .fixed($0) }))
      ],
      outputs: [ValueInfo(name: "y", type: nil)])
    for (name, value) in [("w", Float(1)), ("v", 1)] {
      graph.initializers[name] = Tensor([value], shape: [1, 1, 1, 1])
    }
    graph.nodes = [
      Node(name: "b", op: "Conv", inputs: ["x", "w"], outputs: ["b"]),
      Node(name: "a", op: "Conv", inputs: ["x", "w"], outputs: ["a"]),
      Node(op: "Relu", inputs: ["a"], outputs: ["r"]),
      Node(op: "Add", inputs: ["b", "r"], outputs: ["s"]),
      Node(op: "Relu", inputs: ["s"], outputs: ["t"]),
      Node(name: "y", op: "Conv", inputs: ["t", "v"], outputs: ["y"]),
    ]
    let model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    let sites = try QuantizationSites.analyze(model)
    let values = (0..<2000).map { Float($0) * 0.006 - 10 }
    let seen = ["b": values, "r": values.indices.map { Float($0 % 11) / 10 }]
    let histograms = seen.mapValues { values in
      var histogram = ValueHistogram()
      values.withUnsafeBufferPointer { _ = histogram.add($0, pool: pool) }
      return histogram
    }
    let ranges = ActivationRanges(
      sites: sites,
      found: CalibrationFindings(
        table: CalibrationTable(samples: 1, values: histograms), inputs: [:], elements: seen),
      method: method, layers: [], allowed: [:],
      sums: method.regardsLimitedSums ? sites.limitedSums(in: graph) : [], pool: pool)
    return try #require(ranges.parameters["b"]?[8]?.scale)
  }

  @Test func summandsHaveFineStepsWhereARectifierTakesTheRest() throws {
    #expect(try scale(.minMax) > 11 / 255)
    #expect(try scale(.mse) < 4 / 255)
    #expect(try scale(.output) < 4 / 255)
  }
}
