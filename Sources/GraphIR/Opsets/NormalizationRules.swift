import Tensors

/// BatchNormalization lost `spatial` (9) and its training outputs (14); GroupNormalization's
/// parameters went from one a group to one a channel (21).
enum NormalizationRules {
  static let rules: [OpsetUpgrade.VersionedRule] = [
    .init("BatchNormalization", 9, dropSpatial),
    .init("BatchNormalization", 14, trainingOutputs),
    .init("GroupNormalization", 21, parametersPerChannel),
  ]

  private static let dropSpatial: OpsetUpgrade.Rule = { node, context in
    var node = node
    let spatial = try node.int("spatial") ?? 1
    node.removeAttribute("spatial")
    guard spatial == 0 else { return [node] }
    guard node.inputs.count == 5 else {
      throw GraphError.inputCount(node: node.label, expected: "5", found: node.inputs.count)
    }
    // Parameters of shape [C, D1 ... Dn] normalize every activation on its own; they broadcast
    // over the batch: (x - mean) / sqrt(var + epsilon) * scale + bias.
    let epsilon = try context.scalar(
      try node.float("epsilon") ?? 1e-5, like: node.inputs[4], of: node,
      "\(node.identity)_epsilon")
    func fresh(_ part: String, _ context: inout UpgradeContext) -> String {
      context.names.fresh("\(node.identity)_\(part)")
    }
    let stable = fresh("variance", &context)
    let deviation = fresh("deviation", &context)
    let centered = fresh("centered", &context)
    let normal = fresh("normalized", &context)
    let scaled = fresh("scaled", &context)
    return [
      Node(op: "Add", inputs: [node.inputs[4], epsilon], outputs: [stable]),
      Node(op: "Sqrt", inputs: [stable], outputs: [deviation]),
      Node(op: "Sub", inputs: [node.inputs[0], node.inputs[3]], outputs: [centered]),
      Node(op: "Div", inputs: [centered, deviation], outputs: [normal]),
      Node(op: "Mul", inputs: [normal, node.inputs[1]], outputs: [scaled]),
      Node(
        name: node.name, op: "Add", inputs: [scaled, node.inputs[2]], outputs: [node.identity]),
    ]
  }

  /// More outputs than one meant training; exporters also list them unread, which means nothing.
  private static let trainingOutputs: OpsetUpgrade.Rule = { node, context in
    var node = node
    func isRead(_ index: Int) -> Bool { node.output(index).map(context.reads.contains) ?? false }
    if isRead(3) || isRead(4) {
      throw GraphError.unsupported(
        node: node.label, problem: "reading 'saved_mean' or 'saved_var' has no newer form")
    }
    if isRead(1) || isRead(2) {
      node.setAttribute("training_mode", .int(1))
      node.outputs = Array(node.outputs.prefix(3))
    } else {
      node.outputs = Array(node.outputs.prefix(1))
    }
    return [node]
  }

  private static let parametersPerChannel: OpsetUpgrade.Rule = { node, context in
    var node = node
    guard let groups = try node.int("num_groups") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "num_groups")
    }
    guard node.inputs.count == 3 else {
      throw GraphError.inputCount(node: node.label, expected: "3", found: node.inputs.count)
    }
    let count = context.vector([groups], "\(node.identity)_groups")
    let column = context.vector([-1, 1], "\(node.identity)_column")
    let line = context.vector([-1], "\(node.identity)_line")
    let channels = context.names.fresh("\(node.identity)_channels")
    let each = context.names.fresh("\(node.identity)_channels_per_group")
    let grid = context.names.fresh("\(node.identity)_grid")
    var nodes = [
      Node(
        op: "Shape", inputs: [node.inputs[0]], outputs: [channels],
        attributes: [Attribute("start", .int(1)), Attribute("end", .int(2))]),
      Node(op: "Div", inputs: [channels, count], outputs: [each]),
      Node(
        op: "Concat", inputs: [count, each], outputs: [grid],
        attributes: [Attribute("axis", .int(0))]),
    ]
    for index in [1, 2] {
      let part = index == 1 ? "scale" : "bias"
      let tall = context.names.fresh("\(node.identity)_\(part)_column")
      let wide = context.names.fresh("\(node.identity)_\(part)_grid")
      let full = context.names.fresh("\(node.identity)_\(part)")
      nodes += [
        Node(op: "Reshape", inputs: [node.inputs[index], column], outputs: [tall]),
        Node(op: "Expand", inputs: [tall, grid], outputs: [wide]),
        Node(op: "Reshape", inputs: [wide, line], outputs: [full]),
      ]
      node.inputs[index] = full
    }
    return nodes + [node]
  }
}
