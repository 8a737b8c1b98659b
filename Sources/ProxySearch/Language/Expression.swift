/// A formula as a tree.
public indirect enum Expression: Sendable, Hashable {
  case number(Double)
  case statistic(Statistic)
  /// Sums and products of a canonical form may have more than two arguments.
  case call(Primitive, [Expression])

  /// The type; the parser has checked that there is one.
  var type: ValueType {
    switch self {
    case .number: .scalar
    case .statistic(let statistic): statistic.type
    case .call(let primitive, let arguments):
      primitive.form == .binary
        ? arguments.reduce(.scalar) { $0.joined($1.type) }
        : primitive.result(of: arguments.map(\.type)).type ?? .scalar
    }
  }

  /// Nodes of the tree.
  var size: Int {
    guard case .call(_, let arguments) = self else { return 1 }
    return arguments.reduce(1) { $0 + $1.size }
  }

  /// How often evaluation goes over a whole matrix.
  var matrixPasses: Int {
    guard case .call(let primitive, let arguments) = self else { return 0 }
    let touches = type == .matrix || arguments.contains { $0.type == .matrix }
    let weight = primitive.form == .reshaping ? 3 : max(arguments.count - 1, 1)
    return arguments.reduce(touches ? weight : 0) { $0 + $1.matrixPasses }
  }

  /// What it reads.
  public var statistics: Set<Statistic> {
    switch self {
    case .number: []
    case .statistic(let statistic): [statistic]
    case .call(_, let arguments): arguments.reduce(into: []) { $0.formUnion($1.statistics) }
    }
  }

  /// What it calls.
  var primitives: Set<Primitive> {
    guard case .call(let primitive, let arguments) = self else { return [] }
    return arguments.reduce(into: [primitive]) { $0.formUnion($1.primitives) }
  }

  /// Names in it that need an explanation, each with its own.
  public var terms: [(name: String, meaning: String)] {
    let all =
      statistics.map { ($0.rawValue, $0.meaning) }
      + primitives.compactMap { primitive in
        primitive.meaning.map { (primitive.rawValue, $0) }
      }
    return all.sorted { $0.0 < $1.0 }
  }

  /// Whether it takes runs of the network with rounded weights.
  public var isMeasured: Bool {
    statistics.contains(where: \.isMeasured) || primitives.contains { $0.form == .plans }
  }

  /// Whether it is read off the layer's data, which takes time; else it is computed from numbers.
  var isRead: Bool {
    switch self {
    case .number: false
    case .statistic(let statistic): !statistic.isSize
    case .call(let primitive, let arguments):
      primitive.form == .plans || arguments.contains { $0.type != .scalar }
    }
  }

  var dependsOnBits: Bool { statistics.contains(where: \.dependsOnBits) }
}

extension Expression: CustomStringConvertible {
  /// Text that parses to the same tree.
  public var description: String { text(above: 0) }

  private func text(above strength: Int) -> String {
    switch self {
    case .number(let value):
      let text = Expression.text(of: value)
      return value < 0 && strength > 2 ? "(\(text))" : text
    case .statistic(let statistic): return statistic.rawValue
    case .call(let primitive, let arguments):
      let (sign, own): (String, Int) =
        switch primitive {
        case .add: (" + ", 1)
        case .subtract: (" - ", 1)
        case .multiply: (" * ", 2)
        case .divide: (" / ", 2)
        default: ("", 0)
        }
      guard own > 0 else {
        return primitive.rawValue + "("
          + arguments.map { $0.text(above: 0) }.joined(separator: ", ") + ")"
      }
      let parts = arguments.enumerated().map { index, argument in
        argument.text(above: index == 0 ? own : own + 1)
      }
      let text = parts.joined(separator: sign)
      return own < strength ? "(\(text))" : text
    }
  }

  private static func text(of value: Double) -> String {
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
