import Calibration
import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

/// A residual network of three convolutions and a product.
struct SmallNetwork {
  let model: Model
  let samples: [[String: Tensor]]
  let layers: [RoundingLayer]

  init(unevenness: Float = 1) throws {
    var generator = SeededGenerator(seed: 77)
    func random(_ shape: [Int], _ size: Float = 0.5) -> Tensor {
      Tensor(
        (0..<Tensor.count(of: shape)).map { _ in Float.random(in: -size...size, using: &generator)
        },
        shape: shape)
    }
    func conv(_ name: String, _ input: String, _ output: String) -> Node {
      Node(
        name: name, op: "Conv", inputs: [input, name + "_w", name + "_b"], outputs: [output],
        attributes: [Attribute("pads", .ints([1, 1, 1, 1]))])
    }
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [1, 3, 8, 8].map { .fixed($0) }))
      ],
      outputs: [ValueInfo(name: "y", type: nil)])
    graph.nodes = [
      conv("a", "x", "a_out"), Node(op: "Relu", inputs: ["a_out"], outputs: ["a_relu"]),
      conv("b", "a_relu", "b_out"), Node(op: "Relu", inputs: ["b_out"], outputs: ["b_relu"]),
      conv("c", "b_relu", "c_out"), Node(op: "Add", inputs: ["c_out", "a_relu"], outputs: ["sum"]),
      Node(op: "GlobalAveragePool", inputs: ["sum"], outputs: ["pooled"]),
      Node(op: "Flatten", inputs: ["pooled"], outputs: ["flat"]),
      Node(name: "d", op: "Gemm", inputs: ["flat", "d_w", "d_b"], outputs: ["y"]),
    ]
    for (name, shape) in [("a", [6, 3, 3, 3]), ("b", [6, 6, 3, 3]), ("c", [6, 6, 3, 3])] {
      graph.initializers[name + "_w"] = random(shape)
      graph.initializers[name + "_b"] = random([6])
    }
    // Channels of b whose scale differs widely.
    let weight = try #require(graph.initializers["b_w"])
    graph.initializers["b_w"] = Tensor(
      weight.elements(of: Float.self).enumerated().map { index, value in
        index / 54 == 2 ? value * unevenness : value
      }, shape: weight.shape)
    graph.initializers["d_w"] = random([6, 4])
    graph.initializers["d_b"] = random([4])
    let built = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    model = built
    samples = (0..<8).map { _ in ["x": random([1, 3, 8, 8], 1)] }
    layers = try ["a", "b", "c", "d"].map { name in
      let node = try #require(built.graph.nodes.first { $0.name == name })
      let weight = try #require(built.graph.initializers[name + "_w"])
      return RoundingLayer(
        name: name,
        rows: try WeightRows(weight, named: name + "_w", axis: name == "d" ? 1 : 0),
        observed: try ObservedLayer(name: name, node: node, weightShape: weight.shape),
        bias: name + "_b",
        scaleFloors: Array(
          repeating: WeightQuantizer.smallestScale, count: name == "d" ? 4 : 6))
    }
  }

  func outputs(_ model: Model) throws -> [[Float]] {
    try model.elements(of: "y", on: samples)
  }
}

@Suite struct NetworkTests {
  static let pool = WorkerPool(threadCount: 2)

  @Test func stoppingAnywhereGivesTheSameOutputs() throws {
    let network = try SmallNetwork()
    let expected = try network.outputs(network.model)
    for stop in 0...network.model.graph.nodes.count {
      let flow = NetworkFlow(network.model, samples: network.samples, pool: Self.pool)
      try flow.advance(to: stop)
      let found = try #require(try flow.finish()["y"])
      for (a, b) in zip(found, expected) {
        for (left, right) in zip(a.elements(of: Float.self), b) {
          #expect(abs(left - right) < 1e-5)
        }
      }
    }
  }

  @Test func shortcutsAreKnownWhereTheyAreComputed() throws {
    let network = try SmallNetwork()
    let flow = NetworkFlow(network.model, samples: network.samples, pool: Self.pool)
    try flow.advance(to: 5, keeping: "c_out")
    #expect(flow.summand(of: "c_out")?.count == 8)
    #expect(flow.summand(of: "a_relu") == nil)
    #expect(flow.summand(of: "y") == nil)
  }

  @Test(arguments: [2, 3, 4])
  func sequentialRoundingBeatsNearest(bits: Int) throws {
    let network = try SmallNetwork()
    let widths = Dictionary(uniqueKeysWithValues: network.layers.map { ($0.weight, bits) })
    var rounding = try SequentialRounding(
      reference: network.model, student: network.model, samples: network.samples,
      settings: RoundingSettings(effort: .balanced), pool: Self.pool
    )
    let result = try rounding.run(network.layers, bits: widths)
    #expect(Set(result.weights.keys) == Set(widths.keys))
    var (rounded, plain) = (network.model, network.model)
    for (name, weight) in result.weights {
      #expect(weight.bits == bits)
      rounded.graph.initializers[name] = weight.dequantized()
    }
    for (name, bias) in result.biases { rounded.graph.initializers[name] = bias }
    for layer in network.layers {
      plain.graph.initializers[layer.weight] = WeightQuantizer(bits: bits)
        .quantize(layer.rows, pool: Self.pool).dequantized()
    }
    let expected = try network.outputs(network.model)
    func error(_ model: Model) throws -> Float {
      zip(try network.outputs(model), expected).reduce(0) { sum, pair in
        zip(pair.0, pair.1).reduce(sum) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    #expect(try error(rounded) < 0.5 * error(plain))
    // The last bias gives every output its mean.
    let found = try network.outputs(rounded)
    for output in 0..<4 {
      let difference = zip(found, expected).reduce(0) { $0 + $1.0[output] - $1.1[output] }
      #expect(abs(difference) < 1e-3)
    }
  }

  @Test func narrowWidthsDoMoreDamageWhereItIsMeasured() throws {
    let network = try SmallNetwork()
    let measured = try SensitivityProbe(
      model: network.model, samples: RoundingSamples(network.samples),
      settings: RoundingSettings(effort: .balanced), pool: Self.pool
    ).measure(network.layers, bits: [2, 3, 4, 5, 6, 8])
    #expect(measured.map(\.name) == ["a", "b", "c", "d"])
    for layer in measured {
      for curve in [layer.outputErrors, layer.distances] {
        let values = [2, 3, 4, 5, 6, 8].compactMap { curve[$0] }
        #expect(values.count == 6 && values == values.sorted(by: >))
        #expect((values.last ?? 0) > 0)
      }
    }
  }

  @Test func plansAreJudgedOnVariantsWhereThatIsAskedFor() throws {
    let network = try SmallNetwork()
    let doubled = network.samples.map { sample in
      sample.mapValues { Tensor($0.elements(of: Float.self).map { 2 * $0 }, shape: $0.shape) }
    }
    func distances(
      _ variants: [[[String: Tensor]]], rounded: Int, judged: Int
    ) throws -> [Double] {
      let extent = TrialExtent(
        effort: .balanced, bits: [2, 4], layers: 4, samples: network.samples.count, macs: 1000)
      return try PlanTrial(
        model: network.model, samples: RoundingSamples(network.samples, variants: variants),
        roundedVariants: rounded, judgedVariants: judged,
        settings: RoundingSettings(effort: .balanced), extent: extent, pool: Self.pool
      ).distances(
        network.layers, bits: ["a_w": 3, "b_w": 3, "c_w": 3, "d_w": 3], student: network.model)
    }
    let plain = try distances([], rounded: .max, judged: 0)
    #expect(plain.count == 2 && plain.allSatisfy { $0 > 0 })
    #expect(try distances([doubled], rounded: 0, judged: 0) == plain)
    let same = try distances([network.samples], rounded: 0, judged: 1)
    for (one, two) in zip(plain, same) { #expect(abs(one - two) < 1e-9 * one) }
    #expect(try distances([doubled], rounded: 0, judged: 1) != plain)
    #expect(try distances([doubled], rounded: 1, judged: 0) != plain)
  }

  @Test func paddingTokensDoNotCount() throws {
    let mask = try #require(
      TokenMask(sample: [
        "input_ids": Tensor([Int64(5), 6, 0, 0], shape: [1, 4]),
        "attention_mask": Tensor([Int64(1), 1, 0, 0], shape: [1, 4]),
      ]))
    #expect(mask.kept([0, 1, 2, 3], of: 4) == [0, 1])
    #expect(mask.kept([0, 3], of: 8) == [0, 3])
    #expect(TokenMask(sample: ["x": Tensor([Float(1)], shape: [1, 1])]) == nil)
    #expect(TokenMask(sample: ["mask": Tensor([Int64(3)], shape: [1, 1])]) == nil)
  }

  @Test func distanceIsZeroOnlyForEqualOutputs() {
    let logits = ["y": [Tensor([Float(1), 2, 4], shape: [1, 3])]]
    let distance = OutputDistance(reference: logits, of: [[:]])
    #expect(distance.distance(to: logits) == 0)
    // Classes do not move where all scores do.
    #expect(abs(distance.distance(to: ["y": [Tensor([Float(2), 3, 5], shape: [1, 3])]])) < 1e-9)
    #expect(distance.distance(to: ["y": [Tensor([Float(1), 2, 3], shape: [1, 3])]]) > 0.01)
  }

  @Test func distanceLeavesPaddingOut() {
    let sample = [
      "ids": Tensor([Int64(5), 6, 0], shape: [1, 3]),
      "attention_mask": Tensor([Int64(1), 1, 0], shape: [1, 3]),
    ]
    func outputs(_ values: [Float]) -> [String: [Tensor]] {
      ["y": [Tensor(values, shape: [1, 3, 2])]]
    }
    let distance = OutputDistance(reference: outputs([3, 4, 0, 0, 7, 7]), of: [sample])
    #expect(distance.distance(to: outputs([3, 4, 0, 0, -9, 1])) == 0)
    #expect(distance.distance(to: outputs([3, 4, 0, 5, 7, 7])) == 1)
  }

  @Test func missingWeightsAndSamplesAreNamed() throws {
    let network = try SmallNetwork()
    #expect(throws: WeightRoundingError.noSamples) {
      try SequentialRounding(
        reference: network.model, student: network.model, samples: [],
        settings: RoundingSettings(effort: .fast), pool: Self.pool)
    }
    var other = network.model
    other.graph.nodes[0].inputs[1] = "b_w"
    #expect(throws: WeightRoundingError.layerMissing(layer: "a", weight: "a_w")) {
      var rounding = try SequentialRounding(
        reference: other, student: other, samples: network.samples,
        settings: RoundingSettings(effort: .fast), pool: Self.pool
      )
      _ = try rounding.run(network.layers, bits: ["a_w": 4])
    }
  }
}
