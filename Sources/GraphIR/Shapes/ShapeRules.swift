/// Output types of a node; fewer than it has outputs where the rest is unknown.
typealias ShapeRule = @Sendable (InferenceNode) throws -> [InferredType]

/// The shape rules of the standard operators, by family, for the newest opset.
enum ShapeRules {
  static let table: [String: ShapeRule] = {
    var table: [String: ShapeRule] = [:]
    let families: [[String: ShapeRule]] = [
      ElementwiseShapes.rules, ConvolutionShapes.rules, PoolingShapes.rules, MatrixShapes.rules,
      NormalizationShapes.rules, ReductionShapes.rules, LayoutShapes.rules, IndexingShapes.rules,
      GenerationShapes.rules, ResizeShapes.rules, QuantizationShapes.rules,
      RecurrentShapes.rules, ControlFlowShapes.rules, SequenceShapes.rules, AttentionShapes.rules,
    ]
    for family in families { table.merge(family) { first, _ in first } }
    return table
  }()
}

extension [String: ShapeRule] {
  /// A table that gives every name the same rule.
  init(_ names: [String], _ rule: @escaping ShapeRule) {
    self = Dictionary(names.map { ($0, rule) }, uniquingKeysWith: { first, _ in first })
  }

  func adding(_ others: [String: ShapeRule]) -> [String: ShapeRule] {
    merging(others) { first, _ in first }
  }
}
