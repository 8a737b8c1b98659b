import Calibration
import FloatRuntime
import GraphIR
import Lowering
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import Pipeline
@testable import WeightRounding

/// Statistics that look at one layer of a network at a time.
@Suite struct LayerProbeTests {
  private let pool = WorkerPool(threadCount: 2)

  /// One head of attention over three places, and a product behind it.
  private func attention() throws -> (model: Model, layers: [WeightLayer], sample: Tensor) {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [3, 4].map { .fixed($0) }))],
      outputs: [ValueInfo(name: "out", type: nil)])
    for (seed, name) in zip([1, 2, 3, 4] as [UInt64], ["q", "k", "v", "o"]) {
      graph.initializers[name + "_w"] = Tensor(normalValues(16, seed: seed), shape: [4, 4])
    }
    func product(_ name: String, _ input: String) -> Node {
      Node(name: name, op: "MatMul", inputs: [input, name + "_w"], outputs: [name])
    }
    graph.nodes = [
      product("q", "x"), product("k", "x"), product("v", "x"),
      Node(
        op: "Transpose", inputs: ["k"], outputs: ["kt"],
        attributes: [Attribute("perm", .ints([1, 0]))]),
      Node(op: "MatMul", inputs: ["q", "kt"], outputs: ["scores"]),
      Node(op: "Softmax", inputs: ["scores"], outputs: ["shares"]),
      Node(op: "MatMul", inputs: ["shares", "v"], outputs: ["mixed"]),
      Node(name: "o", op: "MatMul", inputs: ["mixed", "o_w"], outputs: ["out"]),
    ]
    let model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    let layers = try WeightLayer.make(model, sites: try QuantizationSites.analyze(model))
    return (model, layers, Tensor(normalValues(12, seed: 9).map { $0 / 2 }, shape: [3, 4]))
  }

  private func inputs(
    _ model: Model, _ layers: [WeightLayer], _ sample: Tensor
  ) throws -> [String: LayerInputSample] {
    let run = CalibrationRun(
      activations: [], layers: layers.map(\.observed), columnsPerSample: 64, expectedSamples: 1,
      seed: 0, pool: pool)
    let engine = try FloatEngine(model: model, pool: pool, observing: run.observed)
    try run.add(["x": sample], engine: engine)
    return try run.finish().inputs
  }

  @Test func tracesAreThoseOfTheJacobian() throws {
    let (model, layers, sample) = try attention()
    #expect(layers.map(\.site.node) == ["q", "k", "v", "out"])
    // One draw a sample: the same sample many times.
    let found = try LocalCurvature(
      model: model, layers: layers, inputs: inputs(model, layers, sample),
      samples: Array(repeating: ["x": sample], count: 600), seed: 1, pool: pool
    ).traces()
    func output(_ model: Model) throws -> [Double] {
      guard
        case .tensor(let tensor)? = try FloatEngine(model: model).run(["x": .tensor(sample)])["out"]
      else { return [] }
      return tensor.elements(of: Float.self).map { Double($0) }
    }
    for (layer, trace) in zip(layers, found) {
      let weight = try #require(model.graph.initializers[layer.site.weight])
      let values = weight.elements(of: Float.self)
      var expected = 0.0
      for index in values.indices {
        let sides = try [Float(0.01), -0.01].map { step -> [Double] in
          var changed = values
          changed[index] += step
          var model = model
          model.graph.initializers[layer.site.weight] = Tensor(changed, shape: weight.shape)
          return try output(model)
        }
        expected += zip(sides[0], sides[1]).reduce(0) {
          $0 + 2 * (($1.0 - $1.1) / 0.02) * (($1.0 - $1.1) / 0.02)
        }
      }
      #expect(abs(trace - expected) < 0.15 * expected, "\(layer.name): \(trace), not \(expected)")
    }
  }

  @Test func changesAreMeasuredOneLayerAtATime() throws {
    let (model, layers, sample) = try attention()
    let rounding = RoundingLayer.make(layers, model: model, floors: [:])
    let change = try WeightChange(model: model, samples: [["x": sample]], pool: pool)
    let same = try change.distances(rounding) { $1.values.elements(of: Float.self) }
    #expect(same.count == 4 && same.values.allSatisfy { $0 == 0 })
    let pruned = try change.distances(rounding) { $1.pruned(share: 0.3) }
    #expect(pruned.values.allSatisfy { $0 > 0 })
    // Without its last layer the network gives nothing: noise as large as the signal.
    let gone = try change.distances(rounding) { _, rows in
      Array(repeating: 0, count: rows.count * rows.length)
    }
    let outputs = try NetworkFlow(model, samples: [["x": sample]], pool: pool).finish()
    let zeros = outputs.mapValues {
      $0.map { Tensor([Float](repeating: 0, count: $0.count), shape: $0.shape) }
    }
    let whole = OutputDistance(reference: outputs, of: [["x": sample]]).distance(to: zeros)
    #expect(abs((gone["o_w"] ?? 0) - whole) < 1e-9)
  }

  @Test func pruningTakesTheSmallestWeights() throws {
    let rows = try WeightRows(
      Tensor([Float(3), -1, 0.5, 2, -4, 1, 6, -7, 8, 0.1], shape: [2, 5]), named: "w", axis: 0)
    #expect(rows.pruned(share: 0.3) == [3, 0, 0, 2, -4, 1, 6, -7, 8, 0])
    #expect(rows.disturbed(seed: 1) == rows.disturbed(seed: 1))
    #expect(rows.disturbed(seed: 1) != rows.disturbed(seed: 2))
  }
}
