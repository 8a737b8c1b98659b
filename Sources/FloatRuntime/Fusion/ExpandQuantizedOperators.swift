import GraphIR
import Tensors

extension GraphPatch {
  /// Writes ONNX Runtime's own quantized operators (domain `com.microsoft`) as the standard operator
  /// between DequantizeLinear and QuantizeLinear, which is what they stand for.
  public static var expandQuantizedOperators: GraphPatch {
    GraphPatch("expand quantized operators") { model in
      var expansion = QuantizedExpansion(model.graph)
      model.graph.nodes = try model.graph.nodes.flatMap { try expansion.expanded($0) }
      for (name, tensor) in expansion.constants { model.graph.initializers[name] = tensor }
    }
  }
}

private struct QuantizedExpansion {
  private let usage: ValueUsage
  private(set) var constants: [(String, Tensor)] = []

  init(_ graph: Graph) { usage = ValueUsage(graph) }

  /// Operators whose inputs are triples of value, scale and zero point, then those of the result.
  private static let unary = [
    "QLinearSigmoid": "Sigmoid", "QLinearLeakyRelu": "LeakyRelu",
    "QLinearAveragePool": "AveragePool", "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSoftmax": "Softmax",
  ]
  private static let binary = ["QLinearAdd": "Add", "QLinearMul": "Mul"]

  mutating func expanded(_ node: Node) throws -> [Node] {
    guard node.domain == "com.microsoft", try isStandardLayout(node) else { return [node] }
    if let op = QuantizedExpansion.unary[node.op] {
      return around(node, op, operands: [0], result: 3)
    }
    if let op = QuantizedExpansion.binary[node.op] {
      return around(node, op, operands: [0, 3], result: 6)
    }
    switch node.op {
    case "QLinearConcat":
      return around(
        node, "Concat", operands: Array(stride(from: 2, to: node.inputs.count, by: 3)), result: 0)
    case "QGemm": return try gemm(node)
    default: return [node]
    }
  }

  /// Whether channels come second, and the meaning is that of the newest operator set.
  private func isStandardLayout(_ node: Node) throws -> Bool {
    guard try node.int("channels_last") ?? 0 == 0 else { return false }
    return try node.op != "QLinearSoftmax" || node.int("opset") ?? 0 >= 13
  }

  private func inner(_ node: Node, _ suffix: String) -> String {
    "tapq:" + node.identity + "/expanded/" + suffix
  }

  /// `operands` are the places of values, each before its scale and zero point; `result` is that of
  /// the result's scale.
  private func around(
    _ node: Node, _ op: String, operands: [Int], result: Int
  ) -> [Node] {
    var nodes: [Node] = []
    var values: [String] = []
    for place in operands {
      values.append(inner(node, "\(place)"))
      nodes.append(
        Node(
          op: "DequantizeLinear", inputs: triple(node, place), outputs: [inner(node, "\(place)")]))
    }
    let own: Set = ["channels_last", "opset"]
    nodes.append(
      Node(
        name: node.name, op: op, inputs: values, outputs: [inner(node, "y")],
        attributes: node.attributes.filter { !own.contains($0.name) }))
    nodes.append(quantizer(node, result))
    return nodes
  }

  private func triple(_ node: Node, _ place: Int) -> [String] {
    (place..<place + 3).map { node.input($0) ?? "" }
  }

  private func quantizer(_ node: Node, _ scale: Int) -> Node {
    Node(
      op: "QuantizeLinear",
      inputs: [inner(node, "y"), node.input(scale) ?? "", node.input(scale + 1) ?? ""],
      outputs: node.outputs)
  }

  /// a, b, an optional int32 bias whose scale is theirs, and optional parameters of the result.
  private mutating func gemm(_ node: Node) throws -> [Node] {
    guard let weightScale = node.input(4).flatMap(usage.constant),
      let inputScale = node.input(1).flatMap(usage.scalar), weightScale.elementType == .float32
    else { return [node] }
    let axis = try node.int("transB") ?? 0 != 0 ? 0 : 1
    var inputs = [inner(node, "a"), inner(node, "b")]
    var nodes = [
      Node(op: "DequantizeLinear", inputs: triple(node, 0), outputs: [inputs[0]]),
      Node(
        op: "DequantizeLinear", inputs: triple(node, 3), outputs: [inputs[1]],
        attributes: [Attribute("axis", .int(axis))]),
    ]
    if let bias = node.input(6) {
      let scales = weightScale.elements(of: Float.self).map { inputScale * $0 }
      constants.append(
        (inner(node, "scale"), Tensor(scales, shape: scales.count == 1 ? [] : [scales.count])))
      inputs.append(inner(node, "c"))
      nodes.append(
        Node(
          op: "DequantizeLinear", inputs: [bias, inner(node, "scale")], outputs: [inputs[2]],
          attributes: [Attribute("axis", .int(0))]))
    }
    let isFloat = node.input(7) == nil
    nodes.append(
      Node(
        name: node.name, op: "Gemm", inputs: inputs,
        outputs: isFloat ? node.outputs : [inner(node, "y")], attributes: node.attributes))
    if !isFloat { nodes.append(quantizer(node, 7)) }
    return nodes
  }
}
