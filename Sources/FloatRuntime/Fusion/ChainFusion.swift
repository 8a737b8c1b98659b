import GraphIR
import Tensors

extension GraphPatch {
  /// Turns Div or Mul by a constant (-> Add) -> Softmax along the last axis into one
  /// `tapq:MaskedSoftmax` with the attribute `divisor`.
  static var fuseMaskedSoftmax: GraphPatch {
    GraphPatch("fuse masked softmax") { model in
      let finder = ChainFinder(model.graph)
      try model.graph.replaceChains { try finder.maskedSoftmax(endingAt: $0) }
    }
  }

  /// Turns the attention around a `tapq:MaskedSoftmax` into one `tapq:FusedAttention`: queries, keys
  /// and values [batch, length, heads, size], transposed, multiplied, and transposed back.
  static var fuseAttention: GraphPatch {
    GraphPatch("fuse attention") { model in
      let finder = ChainFinder(model.graph)
      try model.graph.replaceChains { try finder.attention(endingAt: $0) }
    }
  }

  /// Turns Add -> LayerNormalization of which only the result is read into one
  /// `tapq:ResidualNormalization`.
  static var fuseResidualNormalization: GraphPatch {
    GraphPatch("fuse residual normalization") { model in
      let finder = ChainFinder(model.graph)
      model.graph.replaceChains { finder.residualNormalization(endingAt: $0) }
    }
  }

  /// Turns Div by a constant -> Erf -> Add 1 -> Mul by what was divided -> Mul 0.5 into one
  /// `tapq:ErfGelu` with the attribute `divisor`.
  static var fuseGelu: GraphPatch {
    GraphPatch("fuse gelu") { model in
      let finder = ChainFinder(model.graph)
      model.graph.replaceChains { finder.gelu(endingAt: $0) }
    }
  }
}

extension Graph {
  /// Replaces nodes, and drops those that only they read.
  fileprivate mutating func replaceChains(
    _ find: (Node) throws -> (node: Node, inner: [String])?
  ) rethrows {
    var replaced: [String: Node] = [:]
    var removed: Set<String> = []
    for node in nodes {
      guard let chain = try find(node) else { continue }
      replaced[node.identity] = chain.node
      removed.formUnion(chain.inner)
    }
    nodes = nodes.compactMap { node in
      removed.contains(node.identity) ? nil : replaced[node.identity] ?? node
    }
  }
}

private struct ChainFinder {
  private let usage: ValueUsage
  private var producers: [String: Node] { usage.producers }

  init(_ graph: Graph) { usage = ValueUsage(graph) }

  func gelu(endingAt node: Node) -> (node: Node, inner: [String])? {
    guard let product = operand(of: node, "Mul", constant: 0.5),
      let outer = producers[product], usage.isPrivate(product), outer.isOperator("Mul")
    else { return nil }
    for (raised, x) in [(0, 1), (1, 0)] {
      guard let raised = outer.input(raised), let x = outer.input(x), usage.isPrivate(raised),
        let sum = producers[raised], let erf = operand(of: sum, "Add", constant: 1),
        usage.isPrivate(erf), let function = producers[erf], function.isOperator("Erf"),
        let ratio = function.input(0), usage.isPrivate(ratio), let division = producers[ratio],
        division.isOperator("Div"), division.input(0) == x,
        let divisor = division.input(1).flatMap(usage.scalar), divisor > 0
      else { continue }
      let gelu = Node(
        name: node.name, op: "ErfGelu", domain: ConvolutionOperators.fusedDomain, inputs: [x],
        outputs: [node.identity], attributes: [Attribute("divisor", .float(divisor))])
      return (gelu, [product, raised, erf, ratio])
    }
    return nil
  }

  func maskedSoftmax(endingAt node: Node) throws -> (node: Node, inner: [String])? {
    guard node.isOperator("Softmax"), try node.int("axis") ?? -1 == -1, let value = node.input(0)
    else { return nil }
    func softmax(
      of scaled: (x: String, divisor: Float), mask: String?, inner: [String]
    ) -> (node: Node, inner: [String]) {
      let softmax = Node(
        name: node.name, op: "MaskedSoftmax", domain: ConvolutionOperators.fusedDomain,
        inputs: [scaled.x] + (mask.map { [$0] } ?? []), outputs: [node.identity],
        attributes: [Attribute("divisor", .float(scaled.divisor))])
      return (softmax, inner)
    }
    if let scaled = scaled(value) { return softmax(of: scaled, mask: nil, inner: [value]) }
    guard usage.isPrivate(value), let add = producers[value], add.isOperator("Add") else {
      return nil
    }
    for (value, mask) in [(0, 1), (1, 0)] {
      guard let value = add.input(value), let mask = add.input(mask), let scaled = scaled(value)
      else { continue }
      return softmax(of: scaled, mask: mask, inner: [add.identity, value])
    }
    return nil
  }

  /// What a Div or Mul by a constant, whose result only one node reads, divides by how much.
  private func scaled(_ value: String) -> (x: String, divisor: Float)? {
    guard usage.isPrivate(value), let node = producers[value] else { return nil }
    if node.isOperator("Div"), let x = node.input(0),
      let divisor = node.input(1).flatMap(usage.scalar)
    {
      return (x, divisor)
    }
    guard node.isOperator("Mul") else { return nil }
    for (x, factor) in [(0, 1), (1, 0)] {
      guard let x = node.input(x), let factor = node.input(factor).flatMap(usage.scalar),
        factor != 0, (1 / factor).isFinite, usage.constant(x) == nil
      else { continue }
      return (x, 1 / factor)
    }
    return nil
  }

  func residualNormalization(endingAt node: Node) -> (node: Node, inner: [String])? {
    guard node.isOperator("LayerNormalization"), node.outputs.dropFirst().allSatisfy(\.isEmpty),
      let sum = node.input(0), usage.isPrivate(sum), let add = producers[sum],
      add.isOperator("Add"), add.inputs.allSatisfy({ usage.constant($0) == nil })
    else { return nil }
    var fused = node
    fused.op = "ResidualNormalization"
    fused.domain = ConvolutionOperators.fusedDomain
    fused.inputs = [
      add.inputs[0], node.input(1) ?? "", node.input(2) ?? "", add.inputs[1],
    ]
    return (fused, [sum])
  }

  func attention(endingAt node: Node) throws -> (node: Node, inner: [String])? {
    guard let mixed = try source(of: node.identity, transposed: [0, 2, 1, 3]),
      let mix = producers[mixed], usage.isPrivate(mixed), mix.isOperator("MatMul"),
      let weights = mix.input(0), let values = mix.input(1), usage.isPrivate(weights),
      usage.isPrivate(values), let softmax = producers[weights],
      softmax.isOperator("MaskedSoftmax", domain: ConvolutionOperators.fusedDomain),
      let scores = softmax.input(0), usage.isPrivate(scores), let product = producers[scores],
      product.isOperator("MatMul"), let queries = product.input(0), let keys = product.input(1),
      usage.isPrivate(queries), usage.isPrivate(keys),
      let q = try source(of: queries, transposed: [0, 2, 1, 3]),
      let v = try source(of: values, transposed: [0, 2, 1, 3])
    else { return nil }
    var inner = [mixed, weights, values, scores, queries, keys]
    var k = try source(of: keys, transposed: [0, 2, 3, 1])
    if k == nil, let middle = try source(of: keys, transposed: [0, 1, 3, 2]),
      usage.isPrivate(middle)
    {
      k = try source(of: middle, transposed: [0, 2, 1, 3])
      inner.append(middle)
    }
    guard let k else { return nil }
    let fused = Node(
      name: node.name, op: "FusedAttention", domain: ConvolutionOperators.fusedDomain,
      inputs: [q, k, v] + softmax.inputs.dropFirst(), outputs: [node.identity],
      attributes: softmax.attributes)
    return (fused, inner)
  }

  /// What a Transpose with this permutation makes the value of.
  private func source(of value: String, transposed order: [Int]) throws -> String? {
    guard let node = producers[value], node.isOperator("Transpose"),
      try node.ints("perm") == order
    else { return nil }
    return node.input(0)
  }

  /// The other operand of a node that combines it with a constant.
  private func operand(of node: Node, _ op: String, constant: Float) -> String? {
    guard node.isOperator(op) else { return nil }
    for (value, other) in [(0, 1), (1, 0)] {
      if let name = node.input(other), usage.scalar(name) == constant { return node.input(value) }
    }
    return nil
  }
}
