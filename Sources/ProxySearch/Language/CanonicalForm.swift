/// One form for formulas that say the same in another order or with other signs: constants folded,
/// differences and negations as sums and products with -1, operands of what commutes sorted, squares
/// as `sq`. Two proxies with equal canonical forms are the same proxy.
extension Expression {
  public var canonical: Expression {
    guard case .call(let primitive, let arguments) = self else { return self }
    let parts = arguments.map(\.canonical)
    switch primitive {
    case .negate: return Expression.product([.number(-1)] + parts)
    case .subtract: return Expression.sum([parts[0], Expression.product([.number(-1), parts[1]])])
    case .add: return Expression.sum(parts)
    case .multiply: return Expression.product(parts)
    case .divide:
      if case .number(let value) = parts[1], (1 / value).isFinite {
        return Expression.product([parts[0], .number(1 / value)])
      }
    case .power:
      if parts[1] == .number(2) { return Expression.unary(.sq, parts[0]) }
      if parts[1] == .number(1) { return parts[0] }
    case .least, .greatest:
      return Expression.folded(primitive, parts.sorted(by: Expression.precedes))
    default:
      if primitive.form == .unary { return Expression.unary(primitive, parts[0]) }
    }
    return Expression.folded(primitive, parts)
  }

  private static func unary(_ primitive: Primitive, _ argument: Expression) -> Expression {
    if case .call(let inner, let arguments) = argument {
      switch (primitive, inner) {
      case (.abs, .abs), (.abs, .sq), (.abs, .exp), (.relu, .relu), (.relu, .sq), (.relu, .abs),
        (.relu, .exp), (.sign, .sign):
        return argument
      case (.sq, .abs): return unary(.sq, arguments[0])
      default: break
      }
    }
    return folded(primitive, [argument])
  }

  /// The value where all arguments are numbers and it is finite.
  private static func folded(_ primitive: Primitive, _ parts: [Expression]) -> Expression {
    let numbers = parts.compactMap { part -> Double? in
      if case .number(let value) = part { value } else { nil }
    }
    guard numbers.count == parts.count else { return .call(primitive, parts) }
    let value: Double? =
      switch primitive.form {
      case .unary: Arithmetic.unary(primitive, numbers[0])
      case .binary: Arithmetic.binary(primitive, numbers[0], numbers[1])
      default: nil
      }
    guard let value, value.isFinite else { return .call(primitive, parts) }
    return .number(value)
  }

  private static func sum(_ parts: [Expression]) -> Expression {
    let (constant, others) = flattened(.add, parts, from: 0, +)
    return joined(.add, others, constant: constant, neutral: 0)
  }

  private static func product(_ parts: [Expression]) -> Expression {
    let (constant, others) = flattened(.multiply, parts, from: 1, *)
    var factors = others
    while true {
      var squared: [Expression] = []
      for factor in factors {
        if squared.last == factor {
          squared[squared.count - 1] = unary(.sq, factor)
        } else {
          squared.append(factor)
        }
      }
      guard squared.count < factors.count else { break }
      factors = squared.sorted(by: precedes)
    }
    return joined(.multiply, factors, constant: constant, neutral: 1)
  }

  /// The constants together, and all other operands sorted.
  private static func flattened(
    _ primitive: Primitive, _ parts: [Expression], from neutral: Double,
    _ combine: (Double, Double) -> Double
  ) -> (constant: Double, others: [Expression]) {
    var constant = neutral
    var others: [Expression] = []
    func add(_ part: Expression) {
      if case .call(primitive, let inner) = part { return inner.forEach(add) }
      if case .number(let value) = part, combine(constant, value).isFinite {
        constant = combine(constant, value)
      } else {
        others.append(part)
      }
    }
    parts.forEach(add)
    return (constant, others.sorted(by: precedes))
  }

  private static func joined(
    _ primitive: Primitive, _ others: [Expression], constant: Double, neutral: Double
  ) -> Expression {
    let all = (constant == neutral ? [] : [.number(constant)]) + others
    guard let first = all.first else { return .number(constant) }
    return all.count == 1 ? first : .call(primitive, all)
  }

  private static func precedes(_ a: Expression, _ b: Expression) -> Bool {
    a.description < b.description
  }
}
