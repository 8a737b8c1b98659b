import Tensors

/// Output values of a node as far as its inputs decide them; nil where nothing is known.
typealias ValueRule = @Sendable (InferenceNode) throws -> [PartialValue?]

/// Partial evaluation: what shape subgraphs and constants need, for the newest opset.
enum ValueRules {
  static let table: [String: ValueRule] = {
    var table: [String: ValueRule] = [:]
    for family in [
      MovementValues.rules, ShapeValues.rules, ArithmeticValues.rules, ComparisonValues.rules,
      ReductionValues.rules,
    ] {
      table.merge(family) { first, _ in first }
    }
    return table
  }()

  /// Elements of `Range`; nil where they are not countable.
  static func rangeCount(_ start: Int, _ limit: Int, _ delta: Int) -> Int? {
    guard delta != 0 else { return nil }
    let (span, overflow) = limit.subtractingReportingOverflow(start)
    guard !overflow else { return nil }
    if (span > 0) != (delta > 0) || span == 0 { return 0 }
    return Int(exactly: (span.magnitude - 1) / delta.magnitude + 1)
  }
}

extension InferenceNode {
  /// The result's shape by the shape rule, where it is fixed and small enough to compute.
  func resultShape(limit: Int? = nil) throws -> [Int]? {
    guard let rule = ShapeRules.table[node.op], let shape = try rule(self).first?.fixedShape,
      let count = Tensor.checkedCount(of: shape), count <= limit ?? scope.evaluationLimit
    else { return nil }
    return shape
  }

  /// The value at an input, or elements that are all unknown where only a small shape is.
  func partialValue(_ index: Int) -> PartialValue? {
    if let value = value(index) { return value }
    guard let element = element(index), element.isInteger || element == .bool,
      let shape = type(index).fixedShape, let count = Tensor.checkedCount(of: shape), count <= 64
    else { return nil }
    return PartialValue(
      type: element, shape: shape, scalars: Array(repeating: .unknown, count: count))
  }
}
