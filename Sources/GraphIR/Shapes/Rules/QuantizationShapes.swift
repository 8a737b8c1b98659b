import Tensors

/// Quantize and dequantize keep the shape.
enum QuantizationShapes {
  static let rules: [String: ShapeRule] = [
    "QuantizeLinear": { node in
      let named = try outputType(node.node)
      let type = node.has(2) ? node.element(2) : named ?? .uint8
      return [InferredType(type, node.shape(0))]
    },
    "DequantizeLinear": { node in
      let named = try outputType(node.node)
      return [InferredType(named ?? node.element(1), node.shape(0))]
    },
    "DynamicQuantizeLinear": { node in
      [
        InferredType(.uint8, node.shape(0)), InferredType(.float32, []),
        InferredType(.uint8, []),
      ]
    },
  ]

  /// The type that `output_dtype` names; nil where it is absent or zero.
  private static func outputType(_ node: Node) throws(GraphError) -> ElementType? {
    try node.int("output_dtype") == 0
      ? nil : ElementwiseShapes.elementType(node, "output_dtype")
  }
}
