/// What is wrong with a number that should carry a unit.
public enum QuantityProblem: Error, Sendable, Equatable {
  /// Not a decimal number, with the units that may follow one.
  case notANumber(units: [String])
  case missingUnit(units: [String])
  /// The start of one or several units; `readings` writes the value in each of them.
  case incompleteUnit(readings: [String])
  case unknownUnit(String, units: [String])
  case negative
  case outOfRange
}

extension QuantityProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notANumber(let units):
      "is not a number with a unit (\(units.joined(separator: ", ")))"
    case .missingUnit(let units):
      "has no unit: write one of \(units.joined(separator: ", ")) after the number"
    case .incompleteUnit(let readings):
      "has half a unit: write " + readings.joined(separator: " or ")
    case .unknownUnit(let unit, let units):
      "has the unknown unit '\(unit)': the units are \(units.joined(separator: ", "))"
    case .negative: "is negative"
    case .outOfRange: "is out of range"
    }
  }
}

/// A decimal number and its unit, read without rounding in between: `1.3ns` is the double nearest
/// to 1.3e-9.
struct Quantity {
  /// Worth `factor * 10^exponent`.
  struct Unit {
    let symbol: String
    var exponent = 0
    var factor = 1.0
  }

  let value: Double
  let unit: Unit

  /// Units are told apart without regard to case.
  init(_ text: String, units: [Unit]) throws(QuantityProblem) {
    let symbols = units.map(\.symbol)
    let isNegative = text.hasPrefix("-")
    let digits = text.dropFirst(isNegative ? 1 : 0)
    let number = digits.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard Double(number) != nil, number.first != "." else { throw .notANumber(units: symbols) }
    var symbol = digits.dropFirst(number.count).drop { $0 == " " }
    while symbol.last == " " { symbol.removeLast() }
    if isNegative { throw .negative }
    if symbol.isEmpty { throw .missingUnit(units: symbols) }
    let name = symbol.lowercased().replacing("\u{b5}", with: "u").replacing("\u{3bc}", with: "u")
    guard let unit = units.first(where: { $0.symbol.lowercased() == name }) else {
      let candidates = units.filter { $0.symbol.lowercased().hasPrefix(name) }
      throw candidates.isEmpty
        ? .unknownUnit(String(symbol), units: symbols)
        : .incompleteUnit(readings: candidates.map { Quantity.reading(number, $0) })
    }
    guard let value = Double("\(number)e\(unit.exponent)"), (value * unit.factor).isFinite else {
      throw .outOfRange
    }
    self.value = value * unit.factor
    self.unit = unit
  }

  private static func reading(_ number: Substring, _ unit: Unit) -> String {
    let written = number + unit.symbol
    guard unit.symbol.hasSuffix("B"), let bytes = try? ByteSize.read(String(written)) else {
      return String(written)
    }
    return "\(written) (\(bytes) bytes)"
  }
}

/// Writes doubles as plain decimals that read back equal.
enum DecimalText {
  /// `value / 10^exponent` without an exponent of its own.
  static func plain(_ value: Double, exponent: Int = 0) -> String {
    let parts = "\(value)".lowercased().split(separator: "e")
    let power = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - exponent
    let halves = parts[0].split(separator: ".")
    let fraction = halves.count > 1 ? String(halves[1]) : ""
    var digits = String(halves[0]) + fraction
    var point = halves[0].count + power
    if point <= 0 {
      digits = String(repeating: "0", count: 1 - point) + digits
      point = 1
    }
    if point > digits.count { digits += String(repeating: "0", count: point - digits.count) }
    var whole = String(digits.prefix(point).drop { $0 == "0" })
    if whole.isEmpty { whole = "0" }
    let rest = String(digits.dropFirst(point).reversed().drop { $0 == "0" }.reversed())
    return rest.isEmpty ? whole : whole + "." + rest
  }
}
