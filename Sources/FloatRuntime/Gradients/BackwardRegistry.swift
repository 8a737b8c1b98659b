import GraphIR

/// An operator that gradients go back through.
struct BackwardDefinition: Sendable {
  let name: String
  /// Reads attributes; throws where there is no gradient for what the node asks for.
  let prepare: @Sendable (Node) throws -> BackwardRule

  init(_ name: String, prepare: @escaping @Sendable (Node) throws -> BackwardRule) {
    self.name = name
    self.prepare = prepare
  }
}

enum BackwardRegistry {
  static let families: [[BackwardDefinition]] = [
    ActivationRules.definitions, ArithmeticRules.definitions, ConvolutionRules.definitions,
    MovementRules.definitions, NormalizationRules.definitions, PoolingRules.definitions,
    ProductRules.definitions, ReductionRules.definitions, SoftmaxRules.definitions,
  ]

  private static let definitions: [String: BackwardDefinition] = Dictionary(
    families.joined().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  /// Operators of the standard domain whose outputs do not change with small changes of inputs.
  private static let flat: Set<String> = [
    "Shape", "Size", "ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "Less",
    "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf", "Floor", "Ceil", "Round", "Sign",
    "NonZero", "ConstantOfShape", "EyeLike",
  ]

  /// Whether nothing flows back through the node.
  static func isFlat(_ node: Node) -> Bool {
    guard node.domain.isEmpty else { return false }
    if node.op == "Cast", let type = try? node.elementType("to") { return !type.isFloatingPoint }
    return flat.contains(node.op)
  }

  static func definition(_ node: Node) -> BackwardDefinition? {
    node.domain.isEmpty ? definitions[node.op] : nil
  }
}
