/// Reads formulas, and finds what is wrong with them before anything is computed.
///
///     sum    = term { ("+" | "-") term }
///     term   = factor { ("*" | "/") factor }
///     factor = "-" factor | atom [ "^" factor ]
///     atom   = number | name | name "(" sum { "," sum } ")" | "(" sum ")"
struct FormulaParser {
  static let deepestNesting = 64
  static let mostParts = 256
  static let mostPasses = 48

  private let tokens: [Token]
  private var index = 0
  private var depth = 0
  private var parts = 0

  private typealias Typed = (expression: Expression, type: ValueType)

  /// A formula whose value is one number.
  static func parse(
    _ text: String, from start: SourcePosition = SourcePosition(line: 1, column: 1)
  ) throws(FormulaError) -> Expression {
    var parser = FormulaParser(tokens: try Tokenizer.tokens(of: text, from: start))
    guard parser.tokens.count > 1 else { throw FormulaError(position: start, reason: .empty) }
    let first = parser.token.position
    let (expression, type) = try parser.sum()
    guard parser.token.kind == .end else {
      throw parser.unexpected(wanted: "an operator or the end")
    }
    guard type == .scalar else { throw FormulaError(position: first, reason: .resultType(type)) }
    let passes = expression.matrixPasses
    guard passes <= mostPasses else {
      throw FormulaError(position: first, reason: .cost(passes: passes, limit: mostPasses))
    }
    return expression
  }

  private init(tokens: [Token]) { self.tokens = tokens }

  private var token: Token { tokens[index] }

  private mutating func advance() { index = min(index + 1, tokens.count - 1) }

  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    guard token.kind == .sign(sign) else { return false }
    advance()
    return true
  }

  private func unexpected(wanted: String) -> FormulaError {
    FormulaError(
      position: token.position, reason: .unexpected(found: token.text, wanted: wanted))
  }

  // MARK: Grammar

  private mutating func sum() throws(FormulaError) -> Typed {
    var left = try term()
    while true {
      let position = token.position
      if take("+") {
        left = try call(.add, [left, try term()], at: position)
      } else if take("-") {
        left = try call(.subtract, [left, try term()], at: position)
      } else {
        return left
      }
    }
  }

  private mutating func term() throws(FormulaError) -> Typed {
    var left = try factor()
    while true {
      let position = token.position
      if take("*") {
        left = try call(.multiply, [left, try factor()], at: position)
      } else if take("/") {
        left = try call(.divide, [left, try factor()], at: position)
      } else {
        return left
      }
    }
  }

  private mutating func factor() throws(FormulaError) -> Typed {
    try enter()
    defer { depth -= 1 }
    let position = token.position
    if take("-") { return try call(.negate, [try factor()], at: position) }
    let base = try atom()
    let sign = token.position
    guard take("^") else { return base }
    return try call(.power, [base, try factor()], at: sign)
  }

  private mutating func atom() throws(FormulaError) -> Typed {
    let start = token
    switch start.kind {
    case .number(let value):
      advance()
      return (try counted(.number(value), at: start.position), .scalar)
    case .name(let name):
      advance()
      if take("(") { return try function(name, at: start.position) }
      guard let statistic = Statistic(rawValue: name) else {
        throw FormulaError(
          position: start.position,
          reason: .unknownStatistic(
            name, nearest: Spelling.nearest(to: name, in: Statistic.allCases.map(\.rawValue))))
      }
      return (try counted(.statistic(statistic), at: start.position), statistic.type)
    case .sign("("):
      advance()
      let inner = try sum()
      guard take(")") else { throw unexpected(wanted: "')'") }
      return inner
    default:
      throw unexpected(wanted: "a number, a name or '('")
    }
  }

  private mutating func function(
    _ name: String, at position: SourcePosition
  ) throws(FormulaError) -> Typed {
    guard let primitive = Primitive.callable[name] else {
      throw FormulaError(
        position: position,
        reason: .unknownFunction(
          name, nearest: Spelling.nearest(to: name, in: Array(Primitive.callable.keys))))
    }
    var arguments: [Typed] = []
    var positions: [SourcePosition] = []
    if token.kind != .sign(")") {
      repeat {
        positions.append(token.position)
        arguments.append(try sum())
      } while take(",")
    }
    guard take(")") else { throw unexpected(wanted: "',' or ')'") }
    guard arguments.count == primitive.argumentCount else {
      throw FormulaError(
        position: position,
        reason: .argumentCount(
          function: name, wanted: primitive.argumentCount, found: arguments.count))
    }
    return try call(primitive, arguments, at: position, argumentPositions: positions)
  }

  private mutating func call(
    _ primitive: Primitive, _ arguments: [Typed], at position: SourcePosition,
    argumentPositions: [SourcePosition] = []
  ) throws(FormulaError) -> Typed {
    let (type, wanted, wrong) = primitive.result(of: arguments.map(\.type))
    guard let type else {
      throw FormulaError(
        position: argumentPositions.indices.contains(wrong)
          ? argumentPositions[wrong] : position,
        reason: .argumentType(
          function: primitive.rawValue, found: arguments[wrong].type, wanted: wanted))
    }
    return (try counted(.call(primitive, arguments.map(\.expression)), at: position), type)
  }

  // MARK: Limits

  private mutating func enter() throws(FormulaError) {
    depth += 1
    guard depth <= Self.deepestNesting else {
      throw FormulaError(
        position: token.position, reason: .nesting(limit: Self.deepestNesting))
    }
  }

  private mutating func counted(
    _ expression: Expression, at position: SourcePosition
  ) throws(FormulaError) -> Expression {
    parts += 1
    guard parts <= Self.mostParts else {
      throw FormulaError(position: position, reason: .size(limit: Self.mostParts))
    }
    return expression
  }
}
