import Calibration
import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

/// Convolutions in a row, channels of the first of very different sizes, and what lies between them.
private struct ConvolutionChain {
  struct Stage {
    let name: String
    let input: String
    let shape: [Int]
    var group = 1
    /// What follows it, on the same name with `_act`.
    var activation: Node?
  }

  var model: Model
  let samples: [[String: Tensor]]
  let layers: [RoundingLayer]

  /// `x` is `[1, 2, 6, 6]`; `loudness` multiplies the channels of the first stage.
  init(_ stages: [Stage], loudness: [Float], bias: Float = 0) throws {
    var generator = SeededGenerator(seed: 11)
    func random(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<Tensor.count(of: shape)).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: shape)
    }
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [1, 2, 6, 6].map { .fixed($0) }))
      ],
      outputs: [ValueInfo(name: "y", type: nil)])
    for (index, stage) in stages.enumerated() {
      let pad = stage.shape[2] / 2
      graph.nodes.append(
        Node(
          name: stage.name, op: "Conv",
          inputs: [stage.input, stage.name + "_w", stage.name + "_b"], outputs: [stage.name],
          attributes: [
            Attribute("pads", .ints([pad, pad, pad, pad])), Attribute("group", .int(stage.group)),
          ]))
      if let activation = stage.activation { graph.nodes.append(activation) }
      let (weight, scales) = (random(stage.shape), index == 0 ? loudness : [1])
      let inner = Tensor.count(of: Array(stage.shape[1...]))
      graph.initializers[stage.name + "_w"] = Tensor(
        weight.elements(of: Float.self).enumerated().map {
          $0.element * scales[$0.offset / inner % scales.count]
        }, shape: stage.shape)
      graph.initializers[stage.name + "_b"] = Tensor(
        (0..<stage.shape[0]).map { bias * scales[$0 % scales.count] }, shape: [stage.shape[0]])
    }
    graph.nodes.append(
      Node(op: "GlobalAveragePool", inputs: [stages.last?.name ?? ""], outputs: ["y"]))
    graph.initializers["zero"] = Tensor([Float(0)], shape: [])
    graph.initializers["six"] = Tensor([Float(6)], shape: [])
    model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    samples = (0..<4).map { _ in ["x": random([1, 2, 6, 6])] }
    layers = try stages.map { stage in
      let node = try #require(graph.nodes.first { $0.name == stage.name })
      let weight = try #require(graph.initializers[stage.name + "_w"])
      return RoundingLayer(
        name: stage.name, rows: try WeightRows(weight, named: stage.name + "_w", axis: 0),
        observed: try ObservedLayer(name: stage.name, node: node, weightShape: weight.shape),
        bias: stage.name + "_b",
        scaleFloors: Array(repeating: WeightQuantizer.smallestScale, count: stage.shape[0]))
    }
  }

  var pairs: [EqualizationPair] { PairFinder(model.graph, layers: layers).pairs() }

  func equalized() throws -> Model {
    try model.applying([
      Equalization(
        model: model, samples: samples, effort: .balanced,
        pool: NetworkTests.pool
      ).patch(layers, bits: 4)
    ])
  }

  func value(_ name: String, in model: Model) throws -> [[Float]] {
    try model.elements(of: name, on: samples)
  }

  static func relu(_ name: String) -> Node {
    Node(op: "Relu", inputs: [name], outputs: [name + "_act"])
  }

  static func clip(_ name: String) -> Node {
    Node(op: "Clip", inputs: [name, "zero", "six"], outputs: [name + "_act"])
  }

  /// A pointwise layer, a depthwise one and a pointwise one.
  static func separable(_ activation: (String) -> Node) -> [Stage] {
    [
      Stage(name: "first", input: "x", shape: [4, 2, 1, 1], activation: activation("first")),
      Stage(
        name: "deep", input: "first_act", shape: [4, 1, 3, 3], group: 4,
        activation: activation("deep")),
      Stage(name: "last", input: "deep_act", shape: [3, 4, 1, 1]),
    ]
  }
}

@Suite struct EqualizationTests {
  @Test func equalizationChangesNoOutputByOneBit() throws {
    let network = try SmallNetwork(unevenness: 64)
    let pairs = PairFinder(network.model.graph, layers: network.layers).pairs()
    // a feeds the shortcut too; c and d meet at the sum.
    #expect(pairs.map { $0.consumers.map(\.name) } == [["c"]])
    let patch = try Equalization(
      model: network.model, samples: network.samples,
      effort: .balanced, pool: NetworkTests.pool
    ).patch(network.layers, bits: 4)
    let equalized = try network.model.applying([patch])
    #expect(equalized.graph.initializers["b_w"] != network.model.graph.initializers["b_w"])
    #expect(equalized.graph.initializers["c_w"] != network.model.graph.initializers["c_w"])
    #expect(equalized.graph.initializers["a_w"] == network.model.graph.initializers["a_w"])
    #expect(try network.outputs(equalized) == network.outputs(network.model))
  }

  @Test func normalizationsFeedTheProductsBehindThem() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: nil)], outputs: [ValueInfo(name: "y", type: nil)])
    graph.nodes = [
      Node(op: "LayerNormalization", inputs: ["x", "scale", "shift"], outputs: ["n"]),
      Node(name: "q", op: "MatMul", inputs: ["n", "q_w"], outputs: ["q"]),
      Node(name: "k", op: "MatMul", inputs: ["n", "k_w"], outputs: ["k"]),
      Node(op: "Add", inputs: ["q", "k"], outputs: ["y"]),
    ]
    graph.initializers["shift"] = Tensor([Float(0), 1, 2], shape: [3])
    graph.initializers["scale"] = Tensor([Float(1), 2, 3], shape: [3])
    for name in ["q_w", "k_w"] {
      graph.initializers[name] = Tensor((0..<6).map { Float($0) - 2 }, shape: [3, 2])
    }
    let layers = try ["q", "k"].map { name in
      let node = try #require(graph.nodes.first { $0.name == name })
      return RoundingLayer(
        name: name,
        rows: try WeightRows(
          try #require(graph.initializers[name + "_w"]), named: name + "_w", axis: 1),
        observed: try ObservedLayer(name: name, node: node, weightShape: [3, 2]), bias: nil,
        scaleFloors: [1e-20, 1e-20])
    }
    let pairs = PairFinder(graph, layers: layers).pairs()
    #expect(pairs.count == 1)
    guard case .constants(let constants)? = pairs.first?.producer else {
      Issue.record("the normalization takes the factors")
      return
    }
    #expect(constants.map(\.initializer) == ["scale", "shift"])
    #expect(pairs.first?.consumers.map(\.name) == ["q", "k"])
    // A residual sum that reads the normalization too would notice.
    graph.nodes[3].inputs = ["q", "n"]
    #expect(PairFinder(graph, layers: layers).pairs().isEmpty)
  }

  @Test func depthwiseLayersReadEvenChannels() throws {
    let chain = try ConvolutionChain(
      ConvolutionChain.separable(ConvolutionChain.relu), loudness: [64, 1, 1, 0.01])
    #expect(chain.pairs.map { $0.consumers.map(\.name) } == [["deep"], ["last"]])
    let equalized = try chain.equalized()
    #expect(try chain.value("y", in: equalized) == chain.value("y", in: chain.model))
    func largest(_ model: Model) throws -> [Float] {
      try chain.value("first_act", in: model).reduce([0, 0, 0, 0]) { found, values in
        (0..<4).map { channel in
          max(found[channel], values[(channel * 36)..<(channel * 36 + 36)].max() ?? 0)
        }
      }
    }
    let (before, after) = (try largest(chain.model), try largest(equalized))
    // Four times at most: what a quiet channel does on other samples is not known.
    #expect(zip(after, before).map { $0 / $1 } == [1, 4, 4, 4])
    for name in ["first_b", "deep_b"] {
      #expect(equalized.graph.initializers[name]?.shape == [4])
    }
  }

  @Test func channelsBehindAClipGrowAndAreNotCutOff() throws {
    let chain = try ConvolutionChain(
      ConvolutionChain.separable(ConvolutionChain.clip), loudness: [64, 0.5, 0.5, 0.5])
    #expect(chain.pairs.map(\.isLimited) == [true, true])
    let equalized = try chain.equalized()
    #expect(equalized.graph.initializers["first_w"] != chain.model.graph.initializers["first_w"])
    #expect(try chain.value("y", in: equalized) == chain.value("y", in: chain.model))
    var leaking = chain
    leaking.model.graph.initializers["zero"] = Tensor([Float(-1)], shape: [])
    #expect(leaking.pairs.isEmpty)
  }

  /// A mean of what was cut off looks like one of what was not.
  @Test func nothingCrossesAClipOrMovesBelowAReluBehindAMean() throws {
    for activation in [ConvolutionChain.clip, ConvolutionChain.relu] {
      var chain = try ConvolutionChain(
        [
          .init(name: "first", input: "x", shape: [4, 2, 1, 1], activation: activation("first")),
          .init(name: "last", input: "mean", shape: [3, 4, 1, 1]),
        ], loudness: [64, 1, 1, 1], bias: 1)
      chain.model.graph.nodes.insert(
        Node(op: "GlobalAveragePool", inputs: ["first_act"], outputs: ["mean"]), at: 2)
      #expect(chain.pairs.count == (activation("").op == "Relu" ? 1 : 0))
      #expect(chain.pairs.allSatisfy { $0.offset == nil })
      let equalized = try chain.equalized()
      #expect(try chain.value("y", in: equalized) == chain.value("y", in: chain.model))
    }
  }

  @Test func constantChannelsStay() throws {
    let stages: [ConvolutionChain.Stage] = [
      .init(name: "first", input: "x", shape: [4, 2, 1, 1]),
      .init(name: "last", input: "first", shape: [3, 4, 1, 1]),
    ]
    let chain = try ConvolutionChain(stages, loudness: [1e-6], bias: 3e6)
    #expect(
      try chain.equalized().graph.initializers["first_b"]
        == chain.model.graph.initializers["first_b"])
  }

  @Test func layersOfSeveralWindowsMayReadAValue() throws {
    let stages: [ConvolutionChain.Stage] = [
      .init(
        name: "first", input: "x", shape: [4, 2, 1, 1],
        activation: ConvolutionChain.relu("first")),
      .init(name: "point", input: "first_act", shape: [3, 4, 1, 1]),
      .init(name: "deep", input: "first_act", shape: [8, 1, 3, 3], group: 4),
      .init(name: "wide", input: "first_act", shape: [3, 4, 3, 3]),
    ]
    var chain = try ConvolutionChain(stages, loudness: [64, 1, 1, 1])
    chain.model.graph.nodes.removeLast()
    for (index, name) in ["point", "deep", "wide"].enumerated() {
      chain.model.graph.nodes.append(
        Node(op: "GlobalAveragePool", inputs: [name], outputs: ["y\(index)"]))
    }
    chain.model.graph.outputs = (0..<3).map { ValueInfo(name: "y\($0)", type: nil) }
    #expect(chain.pairs.map { $0.consumers.map(\.name) } == [["point", "deep", "wide"]])
    let equalized = try chain.equalized()
    #expect(equalized.graph.initializers["deep_w"] != chain.model.graph.initializers["deep_w"])
    for name in ["y0", "y1", "y2"] {
      #expect(try chain.value(name, in: equalized) == chain.value(name, in: chain.model))
    }
  }

  @Test func channelsFarFromZeroMoveIntoTheBiasesOfTheirReaders() throws {
    let stages: [ConvolutionChain.Stage] = [
      .init(name: "first", input: "x", shape: [4, 2, 1, 1]),
      .init(name: "last", input: "first", shape: [3, 4, 1, 1]),
    ]
    let chain = try ConvolutionChain(stages, loudness: [8, 1, 1, 1], bias: 3)
    #expect(chain.pairs.map(\.offset) == [.init(bias: "first_b", isRectified: false)])
    let equalized = try chain.equalized()
    let (before, after) = (
      try chain.value("y", in: chain.model), try chain.value("y", in: equalized)
    )
    for (left, right) in zip(before.joined(), after.joined()) { #expect(abs(left - right) < 1e-4) }
    func span(_ model: Model) throws -> Float {
      let values = try chain.value("first", in: model).joined()
      return max(values.max() ?? 0, 0) - min(values.min() ?? 0, 0)
    }
    #expect(try span(equalized) < 0.7 * span(chain.model))
  }

  @Test func noChannelMovesBeforePaddingNorToWhereAReluCuts() throws {
    var stages: [ConvolutionChain.Stage] = [
      .init(name: "first", input: "x", shape: [4, 2, 1, 1]),
      .init(name: "last", input: "first", shape: [3, 4, 3, 3]),
    ]
    #expect(try ConvolutionChain(stages, loudness: [1], bias: 3).pairs.map(\.offset) == [nil])
    stages = [
      .init(
        name: "first", input: "x", shape: [4, 2, 1, 1],
        activation: ConvolutionChain.relu("first")),
      .init(name: "last", input: "first_act", shape: [3, 4, 1, 1]),
    ]
    let chain = try ConvolutionChain(stages, loudness: [1], bias: 20)
    #expect(chain.pairs.map(\.offset) == [.init(bias: "first_b", isRectified: true)])
    let equalized = try chain.equalized()
    func lowest(_ model: Model) throws -> Float {
      try chain.value("first_act", in: model).joined().min() ?? 0
    }
    #expect(try lowest(equalized) < 0.5 * lowest(chain.model))
    #expect(try lowest(equalized) > 0)
  }
}
