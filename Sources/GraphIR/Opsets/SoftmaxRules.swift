/// Before 13 the softmax family worked on the input flattened to two dimensions at `axis`
/// (default 1); since 13 it works along one axis (default the last).
enum SoftmaxRules {
  static let rules: [OpsetUpgrade.VersionedRule] =
    ["Softmax", "LogSoftmax", "Hardmax"].map { .init($0, 13, alongLastAxis) }

  private static let alongLastAxis: OpsetUpgrade.Rule = { node, context in
    var node = node
    let axis = try node.int("axis") ?? 1
    let data = node.inputs.first ?? ""
    let rank = context.tracer.rank(of: data) ?? context.tracer.rank(of: node.identity)
    node.setAttribute("axis", .int(-1))
    if axis == -1 || (rank.map { axis == $0 - 1 } ?? false) { return [node] }
    let output = node.identity
    let shape = context.names.fresh("\(output)_shape")
    let matrix = context.names.fresh("\(output)_matrix")
    let flat = context.names.fresh("\(output)_flat")
    node.inputs = [matrix]
    node.outputs = [flat]
    return [
      Node(op: "Shape", inputs: [data], outputs: [shape]),
      Node(
        op: "Flatten", inputs: [data], outputs: [matrix],
        attributes: [Attribute("axis", .int(axis))]
      ),
      node,
      Node(op: "Reshape", inputs: [flat, shape], outputs: [output]),
    ]
  }
}
