/// Why a text is no formula; the position is that of what is wrong.
public struct FormulaError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    case empty
    case tooLong(limit: Int)
    case character(Unicode.Scalar)
    case number(String)
    case unexpected(found: String, wanted: String)
    case unknownStatistic(String, nearest: String?)
    case unknownFunction(String, nearest: String?)
    case argumentCount(function: String, wanted: Int, found: Int)
    case argumentType(function: String, found: ValueType, wanted: String)
    case resultType(ValueType)
    case nesting(limit: Int)
    case size(limit: Int)
    case cost(passes: Int, limit: Int)
  }

  public var position: SourcePosition
  public var reason: Reason

  public var description: String { "\(position): \(reason)" }
}

extension FormulaError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty: "the formula is empty"
    case .tooLong(let limit): "the formula is longer than \(limit) characters"
    case .character(let scalar): "'\(scalar)' (U+\(hex(scalar))) has no meaning in a formula"
    case .number(let text): "'\(text)' is not a finite number"
    case .unexpected(let found, let wanted): "found \(found) where \(wanted) is wanted"
    case .unknownStatistic(let name, let nearest):
      "nothing is known by the name '\(name)'" + suggestion(nearest)
    case .unknownFunction(let name, let nearest):
      "there is no function '\(name)'" + suggestion(nearest)
    case .argumentCount(let function, let wanted, let found):
      "'\(function)' takes \(wanted) \(wanted == 1 ? "argument" : "arguments"), not \(found)"
    case .argumentType(let function, let found, let wanted):
      "'\(function)' takes \(wanted), not \(found)"
    case .resultType(let type):
      "the formula gives \(type), damage is one number: reduce it with sum, mean or norm"
    case .nesting(let limit): "parentheses and signs are nested deeper than \(limit)"
    case .size(let limit): "the formula has more than \(limit) parts"
    case .cost(let passes, let limit):
      "the formula passes over whole matrices \(passes) times, at most \(limit) are allowed"
    }
  }

  private func hex(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private func suggestion(_ nearest: String?) -> String {
    nearest.map { "; did you mean '\($0)'?" } ?? ""
  }
}
