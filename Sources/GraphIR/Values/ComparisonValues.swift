import Tensors

/// Comparisons, logic and selection.
enum ComparisonValues {
  static let rules: [String: ValueRule] = [
    "Equal": { compare($0) { $0 == 0 } },
    "Less": { compare($0) { $0 < 0 } },
    "LessOrEqual": { compare($0) { $0 <= 0 } },
    "Greater": { compare($0) { $0 > 0 } },
    "GreaterOrEqual": { compare($0) { $0 >= 0 } },
    "And": { logic($0) { $0 && $1 } },
    "Or": { logic($0) { $0 || $1 } },
    "Xor": { logic($0) { $0 != $1 } },
    "Not": { node in
      ArithmeticValues.unary(node) { $0.int.map { .int($0 == 0 ? 1 : 0) } ?? .unknown }
    },
    "Where": { select($0) },
  ]

  private static func logic(
    _ node: InferenceNode, _ body: (Bool, Bool) -> Bool
  ) -> [PartialValue?] {
    ArithmeticValues.binary(node, result: .bool) {
      guard let a = $0.int, let b = $1.int else { return .unknown }
      return .int(body(a != 0, b != 0) ? 1 : 0)
    }
  }

  /// `accept` gets -1, 0 or 1: how the left element orders against the right one.
  private static func compare(
    _ node: InferenceNode, _ accept: (Int) -> Bool
  ) -> [PartialValue?] {
    ArithmeticValues.binary(node, result: .bool) { left, right in
      let order: Int
      switch (left, right) {
      case (.int(let a), .int(let b)): order = a == b ? 0 : a < b ? -1 : 1
      case (.float(let a), .float(let b)):
        guard !a.isNaN, !b.isNaN else { return .unknown }
        order = a == b ? 0 : a < b ? -1 : 1
      case (.symbol(let a), .symbol(let b)) where a == b: order = 0
      // Dimensions are never negative.
      case (.symbol, .int(let b)) where b < 0: order = 1
      case (.int(let a), .symbol) where a < 0: order = -1
      default: return .unknown
      }
      return .int(accept(order) ? 1 : 0)
    }
  }

  private static func select(_ node: InferenceNode) -> [PartialValue?] {
    guard let condition = node.value(0), let yes = node.partialValue(1),
      let no = node.partialValue(2),
      let inner = IndexMap.broadcast(yes.shape, no.shape),
      let shape = IndexMap.broadcast(condition.shape, inner),
      let count = Tensor.checkedCount(of: shape),
      count <= min(node.scope.evaluationLimit, PartialValue.scalarLimit),
      let flags = condition.scalars, let left = yes.scalars, let right = no.scalars
    else { return [] }
    let flagIndices = IndexMap.broadcast(condition.shape, to: shape)
    let leftIndices = IndexMap.broadcast(yes.shape, to: shape)
    let rightIndices = IndexMap.broadcast(no.shape, to: shape)
    let scalars = (0..<count).map { position -> Scalar in
      let a = left[leftIndices[position]]
      let b = right[rightIndices[position]]
      guard let flag = flags[flagIndices[position]].int else { return a == b ? a : .unknown }
      return flag != 0 ? a : b
    }
    return [PartialValue(type: yes.type, shape: shape, scalars: scalars)]
  }
}
