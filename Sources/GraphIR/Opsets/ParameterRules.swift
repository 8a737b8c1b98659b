import Tensors

/// Parameters other than `axes` that moved from attributes to inputs.
enum ParameterRules {
  static let rules: [OpsetUpgrade.VersionedRule] = [
    .init("Slice", 10, slice), .init("TopK", 10, topK), .init("Clip", 11, clip),
    .init("Pad", 11, pad), .init("Dropout", 12, dropout), .init("Split", 13, split),
    .init("Split", 18, splitCount), .init("DFT", 20, dft),
  ]

  private static let slice: OpsetUpgrade.Rule = { node, context in
    var node = node
    guard let starts = try node.ints("starts") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "starts")
    }
    guard let ends = try node.ints("ends"), ends.count == starts.count else {
      throw GraphError.attributeValue(
        node: node.label, attribute: "ends", problem: "must have as many entries as 'starts'")
    }
    let axes = try node.ints("axes") ?? Array(starts.indices)
    node.inputs = [
      node.inputs.first ?? "", context.vector(starts, "\(node.identity)_starts"),
      context.vector(ends, "\(node.identity)_ends"),
      context.vector(axes, "\(node.identity)_axes"),
    ]
    for name in ["starts", "ends", "axes"] { node.removeAttribute(name) }
    return [node]
  }

  private static let topK: OpsetUpgrade.Rule = { node, context in
    var node = node
    guard let k = try node.int("k") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "k")
    }
    node.removeAttribute("k")
    node.inputs = [node.inputs.first ?? "", context.vector([k], "\(node.identity)_k")]
    return [node]
  }

  private static let clip: OpsetUpgrade.Rule = { node, context in
    var node = node
    let data = node.inputs.first ?? ""
    var inputs = [data, "", ""]
    for (index, bound) in ["min", "max"].enumerated() {
      guard let value = try node.float(bound) else { continue }
      node.removeAttribute(bound)
      inputs[index + 1] = try context.scalar(
        value, like: data, of: node, "\(node.identity)_\(bound)")
    }
    while inputs.count > 1, inputs.last == "" { inputs.removeLast() }
    node.inputs = inputs
    return [node]
  }

  private static let pad: OpsetUpgrade.Rule = { node, context in
    var node = node
    guard let pads = try node.ints("pads") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "pads")
    }
    let data = node.inputs.first ?? ""
    node.inputs = [data, context.vector(pads, "\(node.identity)_pads")]
    if let value = try node.float("value"), value != 0 {
      node.inputs.append(
        try context.scalar(value, like: data, of: node, "\(node.identity)_value"))
    }
    node.removeAttribute("pads")
    node.removeAttribute("value")
    return [node]
  }

  /// The mask had the data's type before opset 10 and is bool since.
  private static let dropout: OpsetUpgrade.Rule = { node, context in
    var node = node
    if let ratio = try node.float("ratio") {
      node.removeAttribute("ratio")
      node.inputs = [
        node.inputs.first ?? "",
        context.constant(Tensor(scalar: ratio), "\(node.identity)_ratio"),
      ]
    }
    if let mask = node.output(1), !context.reads.contains(mask) { node.outputs.removeLast() }
    return [node]
  }

  private static let split: OpsetUpgrade.Rule = { node, context in
    var node = node
    if let sizes = try node.ints("split") {
      node.removeAttribute("split")
      node.inputs = [node.inputs.first ?? "", context.vector(sizes, "\(node.identity)_split")]
    }
    return [node]
  }

  private static let splitCount: OpsetUpgrade.Rule = { node, _ in
    var node = node
    if node.input(1) == nil, node.attribute("num_outputs") == nil {
      node.setAttribute("num_outputs", .int(node.outputs.count))
    }
    return [node]
  }

  private static let dft: OpsetUpgrade.Rule = { node, context in
    var node = node
    let axis = try node.int("axis") ?? 1
    node.removeAttribute("axis")
    while node.inputs.count < 2 { node.inputs.append("") }
    node.inputs.append(
      context.constant(Tensor(scalar: Int64(axis)), "\(node.identity)_axis"))
    return [node]
  }
}
