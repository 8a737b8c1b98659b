import Tensors

/// Upsample became Resize, and Resize learned coordinate modes whose defaults are not what the
/// older versions did.
enum ResizeRules {
  static let rules: [OpsetUpgrade.VersionedRule] = [
    .init("Upsample", 9, scalesToInput),
    .init("Upsample", 10) { node, _ in
      var node = node
      node.op = "Resize"
      return [node]
    },
    .init("Resize", 11, coordinates), .init("Resize", 13, optionalInputs),
  ]

  private static let scalesToInput: OpsetUpgrade.Rule = { node, context in
    var node = node
    guard let scales = try node.floats("scales") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "scales")
    }
    node.removeAttribute("scales")
    node.inputs = [
      node.inputs.first ?? "",
      context.constant(Tensor(scales, shape: [scales.count]), "\(node.identity)_scales"),
    ]
    return [node]
  }

  /// Resize-10: source coordinate `x / scale`; nearest takes the floor where an axis grows and the
  /// ceiling where it shrinks (the cases of the ONNX suite for opset 10 fix that).
  private static let coordinates: OpsetUpgrade.Rule = { node, context in
    let data = node.inputs.first ?? ""
    guard let scales = node.input(1) else {
      throw GraphError.inputMissing(node: node.label, index: 1)
    }
    let nearest = try node.string("mode") ?? "nearest" == "nearest"
    var factors: [Float]?
    if let tensor = context.constantTensor(scales), tensor.elementType == .float32 {
      factors = tensor.elements(of: Float.self)
    }
    func step(
      _ input: String, scales: String, output: String, rounding: String,
      context: inout UpgradeContext
    ) -> Node {
      var step = node
      let roi =
        context.target >= 13
        ? "" : context.constant(Tensor([Float](), shape: [0]), "\(node.identity)_roi")
      step.inputs = [input, roi, scales]
      step.outputs = [output]
      step.setAttribute("coordinate_transformation_mode", .string(Array("asymmetric".utf8)))
      step.setAttribute("nearest_mode", .string(Array(rounding.utf8)))
      return step
    }
    let shrinks = factors?.contains { $0 < 1 } ?? false
    let grows = factors?.contains { $0 > 1 } ?? false
    guard nearest, shrinks, grows, let factors else {
      return [
        step(
          data, scales: scales, output: node.identity, rounding: shrinks ? "ceil" : "floor",
          context: &context)
      ]
    }
    // Nearest is separable, so each rounding gets its own node.
    let up = context.constant(
      Tensor(factors.map { max($0, 1) }, shape: [factors.count]), "\(node.identity)_scales_up")
    let down = context.constant(
      Tensor(factors.map { min($0, 1) }, shape: [factors.count]), "\(node.identity)_scales_down")
    let middle = context.names.fresh("\(node.identity)_up")
    var first = step(data, scales: up, output: middle, rounding: "floor", context: &context)
    if !first.name.isEmpty { first.name += "_up" }
    return [
      first,
      step(middle, scales: down, output: node.identity, rounding: "ceil", context: &context),
    ]
  }

  /// Before 13 an unused `roi`, `scales` or `sizes` was an empty tensor; now it is omitted. The
  /// mode `tf_half_pixel_for_nn` went away: its coordinate is half_pixel plus one half.
  private static let optionalInputs: OpsetUpgrade.Rule = { node, context in
    var node = node
    for index in node.inputs.indices.dropFirst()
    where context.constantTensor(node.inputs[index])?.count == 0 {
      node.inputs[index] = ""
    }
    while node.inputs.last == "" { node.inputs.removeLast() }
    if try node.string("coordinate_transformation_mode") == "tf_half_pixel_for_nn" {
      let rounding: String? =
        switch try node.string("nearest_mode") ?? "round_prefer_floor" {
        case "floor": "round_prefer_ceil"
        case "round_prefer_floor": "ceil"
        default: nil
        }
      if let rounding {
        node.setAttribute("coordinate_transformation_mode", .string(Array("half_pixel".utf8)))
        node.setAttribute("nearest_mode", .string(Array(rounding.utf8)))
      }
    }
    return [node]
  }
}
