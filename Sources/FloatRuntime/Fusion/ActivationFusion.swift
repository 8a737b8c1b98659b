import GraphIR
import Tensors

extension GraphPatch {
  /// Joins Conv and Gemm with the Relu or Clip that follows, and Conv with a residual Add, into
  /// nodes of the domain "tapq".
  static var fuseActivations: GraphPatch {
    GraphPatch("fuse activations") { model in
      var fusion = ActivationFusion(model.graph)
      model.graph.nodes = fusion.run()
      if !model.operatorSets.contains(where: { $0.domain == ConvolutionOperators.fusedDomain }) {
        model.operatorSets.append(
          OperatorSet(domain: ConvolutionOperators.fusedDomain, version: 1))
      }
    }
  }
}

private struct ActivationFusion {
  private let graph: Graph
  private let usage: ValueUsage
  private var nodes: [Node?]
  /// The node that defines a value, by its place.
  private var producers: [String: Int] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    usage = ValueUsage(graph)
    nodes = graph.nodes
  }

  /// The nodes with every fusion at the place of its last part, where all operands exist.
  mutating func run() -> [Node] {
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      let fused = fuseActivation(node) ?? fuseResidual(node)
      if let fused {
        nodes[index] = fused.node
        nodes[fused.absorbed] = nil
      }
      for output in node.outputs { producers[output] = index }
    }
    return nodes.compactMap { $0 }
  }

  private typealias Fusion = (node: Node, absorbed: Int)

  /// The place of the Conv or Gemm whose only use is `value`'s, if nothing clips it yet.
  private func absorbable(_ value: String?, gemm: Bool) -> Int? {
    guard let value, usage.isPrivate(value), let place = producers[value],
      let node = nodes[place], node.attribute("low") == nil
    else { return nil }
    let domain = ConvolutionOperators.fusedDomain
    let isConv = node.isOperator("Conv") || node.isOperator("FusedConv", domain: domain)
    return isConv || (gemm && node.isOperator("Gemm")) ? place : nil
  }

  private func fuseActivation(_ node: Node) -> Fusion? {
    guard let clamp = clamp(of: node), let place = absorbable(node.input(0), gemm: true),
      var fused = nodes[place]
    else { return nil }
    fused.op = fused.op.hasPrefix("Fused") ? fused.op : "Fused" + fused.op
    fused.domain = ConvolutionOperators.fusedDomain
    fused.outputs = node.outputs
    fused.setAttribute("low", .float(clamp.low))
    fused.setAttribute("high", .float(clamp.high))
    return (fused, place)
  }

  private func fuseResidual(_ node: Node) -> Fusion? {
    guard node.isOperator("Add"), node.inputs.count == 2, node.inputs[0] != node.inputs[1] else {
      return nil
    }
    let places = node.inputs.map { absorbable($0, gemm: false) }
    guard let place = places.compactMap({ $0 }).max(), var fused = nodes[place],
      fused.isOperator("Conv"), !isDepthwise(fused)
    else { return nil }
    let residual = place == places[0] ? node.inputs[1] : node.inputs[0]
    fused.op = "FusedConv"
    fused.domain = ConvolutionOperators.fusedDomain
    fused.inputs += Array(repeating: "", count: max(0, 3 - fused.inputs.count))
    fused.inputs.append(residual)
    fused.outputs = node.outputs
    return (fused, place)
  }

  private func isDepthwise(_ node: Node) -> Bool {
    guard let weight = node.input(1).flatMap({ graph.initializers[$0] }) else { return true }
    return weight.rank > 1 && weight.shape[1] == 1
  }

  /// The range that a Relu or a Clip with constant bounds keeps.
  private func clamp(of node: Node) -> Clamp? {
    if node.isOperator("Relu") { return Clamp(low: 0) }
    guard node.isOperator("Clip") else { return nil }
    var clamp = Clamp.none
    for (index, end) in [(1, \Clamp.low), (2, \Clamp.high)] {
      guard let name = node.input(index) else { continue }
      guard let bound = usage.scalar(name) else { return nil }
      clamp[keyPath: end] = bound
    }
    return clamp.low <= clamp.high ? clamp : nil
  }
}

/// Who reads the values of a graph.
struct ValueUsage {
  private let graph: Graph
  private var uses: [String: Int] = [:]
  private var kept: Set<String>
  private var constants: [String: Tensor] = [:]
  /// Nodes by the values that they compute.
  private(set) var producers: [String: Node] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    kept = Set(graph.outputs.map(\.name))
    for node in graph.nodes {
      for input in node.inputs { uses[input, default: 0] += 1 }
      for subgraph in node.subgraphs { kept.formUnion(subgraph.allReadNames) }
      for output in node.outputs where !output.isEmpty { producers[output] = node }
      if node.isOperator("Constant"), case .tensor(let value)? = node.attribute("value"),
        let output = node.outputs.first
      {
        constants[output] = value.tensor
      }
    }
  }

  /// Whether one node reads the value and nothing else may see it.
  func isPrivate(_ name: String) -> Bool { uses[name] == 1 && !kept.contains(name) }

  func constant(_ name: String) -> Tensor? {
    graph.inputs.contains { $0.name == name } ? nil : graph.initializers[name] ?? constants[name]
  }

  /// A float constant of one element.
  func scalar(_ name: String) -> Float? {
    guard let tensor = constant(name), tensor.elementType == .float32, tensor.count == 1 else {
      return nil
    }
    return tensor.elements(of: Float.self)[0]
  }
}
