import Tensors

/// Integer and float32 arithmetic, element by element.
enum ArithmeticValues {
  static let rules: [String: ValueRule] = [
    "Add": { binary($0, add) },
    "Sub": { binary($0, subtract) },
    "Mul": { binary($0, multiply) },
    "Div": { binary($0, divide) },
    "Mod": { node in
      let truncates = try node.node.int("fmod") ?? 0 != 0
      return binary(node) { remainder($0, $1, truncates: truncates) }
    },
    "Pow": { binary($0, power) },
    "Max": { variadic($0) { pick($0, $1, larger: true) } },
    "Min": { variadic($0) { pick($0, $1, larger: false) } },
    "Neg": { unary($0) { subtract(zero(like: $0), $0) } },
    "Abs": { unary($0, absolute) },
    "Sqrt": { unary($0) { float($0) { $0.squareRoot() } } },
    "Reciprocal": { unary($0) { float($0) { 1 / $0 } } },
    "Floor": { unary($0) { float($0) { $0.rounded(.down) } } },
    "Ceil": { unary($0) { float($0) { $0.rounded(.up) } } },
    "Cast": { node in
      guard let type = try ElementwiseShapes.elementType(node.node, "to") else { return [] }
      if let value = node.value(0), value.type == type { return [value] }
      guard type == .float32 || type.isInteger || type == .bool else { return [] }
      return unary(node, result: type) { cast($0, to: type) }
    },
  ]

  static func unary(
    _ node: InferenceNode, result: ElementType? = nil, _ body: (Scalar) -> Scalar
  ) -> [PartialValue?] {
    guard let value = node.value(0), value.count <= node.scope.evaluationLimit,
      let scalars = value.scalars
    else { return [] }
    return [
      PartialValue(
        type: result ?? value.type, shape: value.shape, scalars: scalars.map(body))
    ]
  }

  static func binary(
    _ node: InferenceNode, result: ElementType? = nil, _ body: (Scalar, Scalar) -> Scalar
  ) -> [PartialValue?] {
    guard let left = node.value(0), let right = node.value(1) else { return [] }
    return [combine(node, left, right, result: result, body)]
  }

  private static func variadic(
    _ node: InferenceNode, _ body: (Scalar, Scalar) -> Scalar
  ) -> [PartialValue?] {
    guard var result = node.value(0) else { return [] }
    for index in node.inputs.indices.dropFirst() {
      guard let next = node.value(index), let both = combine(node, result, next, body) else {
        return []
      }
      result = both
    }
    return [result]
  }

  private static func combine(
    _ node: InferenceNode, _ left: PartialValue, _ right: PartialValue,
    result: ElementType? = nil, _ body: (Scalar, Scalar) -> Scalar
  ) -> PartialValue? {
    guard let shape = IndexMap.broadcast(left.shape, right.shape),
      let count = Tensor.checkedCount(of: shape),
      count <= min(node.scope.evaluationLimit, PartialValue.scalarLimit),
      let a = left.scalars, let b = right.scalars
    else { return nil }
    let scalars = zip(
      IndexMap.broadcast(left.shape, to: shape), IndexMap.broadcast(right.shape, to: shape)
    ).map { body(a[$0], b[$1]) }
    return PartialValue(type: result ?? left.type, shape: shape, scalars: scalars)
  }

  private static func exact(_ result: (partialValue: Int, overflow: Bool)) -> Scalar {
    result.overflow ? .unknown : .int(result.partialValue)
  }

  static func add(_ left: Scalar, _ right: Scalar) -> Scalar {
    switch (left, right) {
    case (.int(let a), .int(let b)): exact(a.addingReportingOverflow(b))
    case (.float(let a), .float(let b)): .float(a + b)
    case (.int(0), _): right
    case (_, .int(0)): left
    default: .unknown
    }
  }

  private static func subtract(_ left: Scalar, _ right: Scalar) -> Scalar {
    switch (left, right) {
    case (.int(let a), .int(let b)): exact(a.subtractingReportingOverflow(b))
    case (.float(let a), .float(let b)): .float(a - b)
    case (.symbol(let a), .symbol(let b)) where a == b: .int(0)
    case (_, .int(0)): left
    default: .unknown
    }
  }

  static func multiply(_ left: Scalar, _ right: Scalar) -> Scalar {
    switch (left, right) {
    case (.int(let a), .int(let b)): exact(a.multipliedReportingOverflow(by: b))
    case (.float(let a), .float(let b)): .float(a * b)
    case (.int(1), _): right
    case (_, .int(1)): left
    case (.int(0), .symbol), (.symbol, .int(0)): .int(0)
    default: .unknown
    }
  }

  private static func divide(_ left: Scalar, _ right: Scalar) -> Scalar {
    switch (left, right) {
    case (_, .int(0)): .unknown
    case (.int(let a), .int(let b)): exact(a.dividedReportingOverflow(by: b))
    case (.float(let a), .float(let b)): .float(a / b)
    case (_, .int(1)): left
    default: .unknown
    }
  }

  private static func remainder(_ left: Scalar, _ right: Scalar, truncates: Bool) -> Scalar {
    switch (left, right) {
    case (.int(let a), .int(let b)) where b != 0 && b != -1:
      let rest = a % b
      return .int(!truncates && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest)
    case (.float(let a), .float(let b)): return .float(a.truncatingRemainder(dividingBy: b))
    default: return .unknown
    }
  }

  /// The exponents that shape and scale computations use.
  private static func power(_ base: Scalar, _ exponent: Scalar) -> Scalar {
    let rounded: Scalar =
      if case .float(let value) = exponent, case .int = base, let whole = Int(exactly: value) {
        .int(whole)
      } else {
        exponent
      }
    switch (base, rounded) {
    case (_, .int(1)), (_, .float(1)): return base
    case (.int, .int(2)): return multiply(base, base)
    case (.float(let value), .int(2)), (.float(let value), .float(2)):
      return .float(value * value)
    case (.float(let value), .float(0.5)) where value >= 0: return .float(value.squareRoot())
    default: return .unknown
    }
  }

  private static func pick(_ left: Scalar, _ right: Scalar, larger: Bool) -> Scalar {
    switch (left, right) {
    case (.int(let a), .int(let b)): .int(larger ? max(a, b) : min(a, b))
    case (.float(let a), .float(let b)) where !a.isNaN && !b.isNaN:
      .float(larger ? max(a, b) : min(a, b))
    default: left == right && left != .unknown ? left : .unknown
    }
  }

  private static func zero(like scalar: Scalar) -> Scalar {
    if case .float = scalar { .float(-0.0) } else { .int(0) }
  }

  private static func absolute(_ scalar: Scalar) -> Scalar {
    switch scalar {
    case .int(let value): value == .min ? .unknown : .int(abs(value))
    case .float(let value): .float(abs(value))
    case .symbol: scalar
    case .unknown: .unknown
    }
  }

  private static func float(_ scalar: Scalar, _ body: (Float) -> Float) -> Scalar {
    if case .float(let value) = scalar { .float(body(value)) } else { .unknown }
  }

  private static func cast(_ scalar: Scalar, to type: ElementType) -> Scalar {
    switch scalar {
    case .int(let value):
      if type == .float32 { return .float(Float(value)) }
      if type == .bool { return .int(value == 0 ? 0 : 1) }
      return type.integerRange.map { $0.contains(value) } ?? (value >= 0) ? scalar : .unknown
    case .float(let value):
      if type == .bool { return .int(value == 0 ? 0 : 1) }
      guard let whole = Int(exactly: value.rounded(.towardZero)),
        type.integerRange.map({ $0.contains(whole) }) ?? (whole >= 0)
      else { return .unknown }
      return .int(whole)
    case .symbol: return type == .int64 || type == .int32 ? scalar : .unknown
    case .unknown: return .unknown
    }
  }
}
