import Calibration
import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

/// `y = h * W + h`, where `h` is a sum that keeps its scale for the shortcut.
private struct ShortcutNetwork {
  let model: Model
  let samples: [[String: Tensor]]
  let layers: [RoundingLayer]
  static let channels = 16

  /// `loud`: how much larger one channel of `h` is than the others.
  init(loud: Float) throws {
    var generator = SeededGenerator(seed: 5)
    func random(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<Tensor.count(of: shape)).map { _ in Float.random(in: -1...1, using: &generator) },
        shape: shape)
    }
    let count = Self.channels
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [4, count].map { .fixed($0) }))
      ],
      outputs: [ValueInfo(name: "y", type: nil)])
    graph.nodes = [
      Node(name: "h", op: "Mul", inputs: ["x", "gain"], outputs: ["h"]),
      Node(name: "product", op: "MatMul", inputs: ["h", "weight"], outputs: ["p"]),
      Node(name: "sum", op: "Add", inputs: ["p", "h"], outputs: ["y"]),
    ]
    graph.initializers["gain"] = Tensor(
      (0..<count).map { $0 == 3 ? loud : 1 }, shape: [count])
    graph.initializers["weight"] = random([count, count])
    model = Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
    samples = (0..<8).map { _ in ["x": random([4, count])] }
    let weight = try #require(graph.initializers["weight"])
    layers = [
      RoundingLayer(
        name: "product", rows: try WeightRows(weight, named: "weight", axis: 1),
        observed: try ObservedLayer(
          name: "product", node: graph.nodes[1], weightShape: weight.shape),
        bias: nil,
        scaleFloors: Array(repeating: WeightQuantizer.smallestScale, count: count))
    ]
  }

  func smoothed(_ floatValues: Set<String>) throws -> Model {
    let patch = try Equalization(
      model: model, samples: samples, effort: .balanced,
      pool: NetworkTests.pool
    ).patch(layers, floatValues: floatValues, bits: 4)
    return try model.applying([patch])
  }

  func outputs(_ model: Model) throws -> [[Float]] {
    try model.elements(of: "y", on: samples)
  }
}

@Suite struct ScaledCopyTests {
  @Test func layersReadACopyAndNoOutputChangesByOneBit() throws {
    let network = try ShortcutNetwork(loud: 64)
    let smoothed = try network.smoothed(["h"])
    #expect(smoothed.graph.nodes.map(\.op) == ["Mul", "Mul", "MatMul", "Add"])
    let copy = try #require(smoothed.graph.nodes.first { $0.inputs.first == "h" })
    let product = try #require(smoothed.graph.nodes.first { $0.op == "MatMul" })
    #expect(product.inputs[0] == copy.outputs[0])
    #expect(smoothed.graph.nodes.last?.inputs == ["p", "h"])
    let factors = try #require(smoothed.graph.initializers[copy.inputs[1]])
      .elements(of: Float.self)
    #expect(factors.allSatisfy { $0 > 0 && $0.significand == 1 })
    #expect(factors[3] < (factors.enumerated().filter { $0.offset != 3 }.map(\.element).min() ?? 0))
    #expect(smoothed.graph.initializers["gain"] == network.model.graph.initializers["gain"])
    #expect(try network.outputs(smoothed) == network.outputs(network.model))
  }

  @Test func valuesThatAreNotNamedKeepTheirReaders() throws {
    let network = try ShortcutNetwork(loud: 64)
    #expect(try network.smoothed([]).graph.nodes == network.model.graph.nodes)
  }

  @Test func evenChannelsTakeNoFurtherStep() throws {
    let network = try ShortcutNetwork(loud: 1)
    #expect(try network.smoothed(["h"]).graph.nodes == network.model.graph.nodes)
  }

  @Test func aNormalizationTakesTheFactorsItself() throws {
    var graph = try ShortcutNetwork(loud: 64).model.graph
    graph.nodes[0] = Node(
      name: "h", op: "LayerNormalization", inputs: ["x", "gain"], outputs: ["h"])
    graph.nodes[2].inputs = ["p", "x"]
    let layers = try ShortcutNetwork(loud: 64).layers
    let pairs = PairFinder(graph, layers: layers).pairs(floatValues: ["h"])
    #expect(pairs.count == 1)
    guard case .constants? = pairs.first?.producer else {
      Issue.record("the normalization takes the factors")
      return
    }
  }
}
