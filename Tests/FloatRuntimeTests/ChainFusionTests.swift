import GraphIR
import Tensors
import TestSupport
import Testing

@testable import FloatRuntime

/// Chains of nodes that the engine runs as one give what the nodes give. An observed value keeps its
/// chain apart.
@Suite struct ChainFusionTests {
  private struct Chain {
    var graph = Graph(name: "chain")
    var inputs: [String: RuntimeValue] = [:]

    mutating func input(_ name: String, _ shape: [Int], scale: Float = 1) {
      let values = normalValues(Tensor.count(of: shape), seed: UInt64(inputs.count + 1))
      inputs[name] = .tensor(Tensor(values.map { $0 * scale }, shape: shape))
      graph.inputs.append(
        ValueInfo(name: name, type: .tensor(.float32, shape: shape.map { .fixed($0) })))
    }

    mutating func constant(_ name: String, _ tensor: Tensor) { graph.initializers[name] = tensor }

    @discardableResult
    mutating func node(
      _ op: String, _ inputs: [String], _ attributes: [Attribute] = []
    ) -> String {
      let output = "v\(graph.nodes.count)"
      graph.nodes.append(Node(op: op, inputs: inputs, outputs: [output], attributes: attributes))
      return output
    }
  }

  /// Compares the chain that ends in the last node with its nodes one by one.
  private func expectFusion(_ chain: Chain, into op: String, isFused: Bool = true) throws {
    var chain = chain
    let last = try #require(chain.graph.nodes.last?.identity)
    chain.graph.outputs = [ValueInfo(name: last, type: nil)]
    let model = Model(
      operatorSets: [OperatorSet(version: OpsetUpgrade.latest)], graph: chain.graph)
    let inner = Set(chain.graph.nodes.map(\.identity))
    let fused = try FloatEngine(model: model, threads: 2)
    let apart = try FloatEngine(model: model, observing: inner)
    let kernels = try fused.profile(chain.inputs).nodes.map(\.op)
    #expect(kernels.contains(op) == isFused, "\(kernels)")
    guard case .tensor(let found)? = try fused.run(chain.inputs)[last],
      case .tensor(let expected)? = try apart.run(chain.inputs)[last]
    else {
      Issue.record("no result")
      return
    }
    #expect(found.shape == expected.shape)
    let largest = expected.elements(of: Float.self).map(abs).max() ?? 0
    for (a, b) in zip(found.elements(of: Float.self), expected.elements(of: Float.self)) {
      #expect(abs(a - b) <= 1e-5 * max(largest, 1))
    }
  }

  @Test(arguments: [1, 15, 16, 100])
  func gelu(count: Int) throws {
    var chain = Chain()
    chain.input("x", [count], scale: 3)
    chain.constant("root", Tensor(scalar: Float(2).squareRoot()))
    chain.constant("one", Tensor(scalar: Float(1)))
    chain.constant("half", Tensor(scalar: Float(0.5)))
    let erf = chain.node("Erf", [chain.node("Div", ["x", "root"])])
    let product = chain.node("Mul", ["x", chain.node("Add", [erf, "one"])])
    chain.node("Mul", [product, "half"])
    try expectFusion(chain, into: "ErfGelu")
  }

  static let masks = [
    [2, 1, 1, 19], [1, 1, 1, 19], [19], [7, 19], [2, 3, 7, 1], [2, 3, 7, 19],
  ]

  @Test(arguments: masks)
  func maskedSoftmax(mask: [Int]) throws {
    var chain = Chain()
    chain.input("x", [2, 3, 7, 19], scale: 4)
    chain.input("mask", mask, scale: 5)
    chain.constant("root", Tensor(scalar: Float(3)))
    let scaled = chain.node("Div", ["x", "root"])
    chain.node("Softmax", [chain.node("Add", [scaled, "mask"])], [Attribute("axis", .int(-1))])
    try expectFusion(chain, into: "MaskedSoftmax")
  }

  @Test(arguments: masks, [true, false])
  func attention(mask: [Int], keysTurnTwice: Bool) throws {
    var chain = Chain()
    for (name, shape) in [("q", [2, 7, 3, 10]), ("k", [2, 19, 3, 10]), ("v", [2, 19, 3, 13])] {
      chain.input(name, shape)
    }
    chain.input("mask", mask)
    chain.constant("root", Tensor(scalar: Float(10).squareRoot()))
    func turned(_ value: String, _ order: [Int], _ chain: inout Chain) -> String {
      chain.node("Transpose", [value], [Attribute("perm", .ints(order))])
    }
    let q = turned("q", [0, 2, 1, 3], &chain)
    let k =
      keysTurnTwice
      ? turned(turned("k", [0, 2, 1, 3], &chain), [0, 1, 3, 2], &chain)
      : turned("k", [0, 2, 3, 1], &chain)
    let v = turned("v", [0, 2, 1, 3], &chain)
    let scaled = chain.node("Div", [chain.node("MatMul", [q, k]), "root"])
    let weights = chain.node("Softmax", [chain.node("Add", [scaled, "mask"])])
    _ = turned(chain.node("MatMul", [weights, v]), [0, 2, 1, 3], &chain)
    try expectFusion(chain, into: "FusedAttention")
  }

  @Test(arguments: [[2, 5, 21], [5, 21], [2, 1, 1], [21]], [true, false])
  func residualNormalization(shape: [Int], isFirst: Bool) throws {
    var chain = Chain()
    chain.input("x", [2, 5, 21])
    chain.input("y", shape)
    chain.constant("scale", Tensor(normalValues(21, seed: 9), shape: [21]))
    chain.constant("bias", Tensor(normalValues(21, seed: 10), shape: [21]))
    let sum = chain.node("Add", isFirst ? ["x", "y"] : ["y", "x"])
    chain.node("LayerNormalization", [sum, "scale", "bias"])
    try expectFusion(chain, into: "ResidualNormalization")
  }
}
