import Tensors

/// Operators that work element by element, with broadcasting where they take several tensors.
enum ElementwiseShapes {
  static let rules: [String: ShapeRule] = [String: ShapeRule](
    [
      "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Celu",
      "Clip", "Cos", "Cosh", "CumSum", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid",
      "HardSwish", "Identity", "LeakyRelu", "Log", "Mish", "Neg", "Not", "PRelu", "Reciprocal",
      "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign",
      "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Trilu",
    ], { [$0.type(0)] }
  ).adding(
    .init(
      ["Add", "Sub", "Mul", "Div", "Mod", "Sum", "Max", "Min", "Mean", "BitShift"]
        + ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]
    ) {
      [try broadcast($0, element: $0.inputs.indices.lazy.compactMap($0.element).first)]
    }
  ).adding(
    .init(
      [
        "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor",
      ]) { [try broadcast($0, element: .bool)] }
  ).adding([
    // The exponent may have another type.
    "Pow": { [try broadcast($0, element: $0.element(0))] },
    "Where": {
      [
        InferredType(
          $0.element(1) ?? $0.element(2),
          try $0.broadcast([$0.shape(0), $0.shape(1), $0.shape(2)]))
      ]
    },
    "IsNaN": { [InferredType(.bool, $0.shape(0))] },
    "IsInf": { [InferredType(.bool, $0.shape(0))] },
    "Cast": { [InferredType(try elementType($0.node, "to"), $0.shape(0))] },
    "CastLike": { [InferredType($0.element(1), $0.shape(0))] },
    "BitCast": { [InferredType(try elementType($0.node, "to"), nil)] },
    "Dropout": { [$0.type(0), InferredType(.bool, $0.shape(0))] },
    "Bernoulli": {
      [InferredType(try elementType($0.node, "dtype") ?? $0.element(0), $0.shape(0))]
    },
  ])

  private static func broadcast(
    _ node: InferenceNode, element: ElementType?
  ) throws -> InferredType {
    InferredType(element, try node.broadcast(node.inputs.indices.map { node.shape($0) }))
  }

  /// The element type that an attribute names; nil where it is absent.
  static func elementType(_ node: Node, _ attribute: String) throws(GraphError) -> ElementType? {
    guard let code = try node.int(attribute) else { return nil }
    guard let type = Int32(exactly: code).flatMap(ElementType.init(rawValue:)) else {
      throw .attributeValue(
        node: node.label, attribute: attribute, problem: "names no element type (\(code))")
    }
    return type
  }
}
