import Tensors

/// Renamed operators, renamed attribute values, and attributes whose new default is not the old
/// behaviour.
enum AttributeRules {
  static let rules: [OpsetUpgrade.VersionedRule] = [
    .init("Scatter", 11) { node, _ in
      var node = node
      node.op = "ScatterElements"
      return [node]
    },
    // Until 10 a used mask had the data's type.
    .init("Dropout", 10) { node, context in
      guard let mask = node.output(1), context.reads.contains(mask) else { return [node] }
      var node = node
      let type = context.tracer.elementType(of: node.inputs.first ?? "") ?? .float32
      let bits = context.names.fresh("\(mask)_bool")
      node.outputs[1] = bits
      let cast = Node(
        op: "Cast", inputs: [bits], outputs: [mask],
        attributes: [Attribute("to", .int(Int(type.rawValue)))])
      return [node, cast]
    },
    .init("RoiAlign", 16) { node, _ in
      var node = node
      node.setAttribute(
        "coordinate_transformation_mode", .string(Array("output_half_pixel".utf8)))
      return [node]
    },
    .init("GridSample", 20) { node, _ in
      var node = node
      let names = ["bilinear": "linear", "bicubic": "cubic"]
      if let mode = try node.string("mode"), let name = names[mode] {
        node.setAttribute("mode", .string(Array(name.utf8)))
      }
      return [node]
    },
  ]
}
