/// What a part of a formula is, for one layer.
public enum ValueType: Sendable, Equatable, CaseIterable, CustomStringConvertible {
  /// One number.
  case scalar
  /// A number for each output channel: `[outputs]`.
  case rows
  /// A number for each input of each group: `[groups, fan_in]`.
  case columns
  /// A number for each weight: `[outputs, fan_in]`.
  case matrix

  public var description: String {
    switch self {
    case .scalar: "a number"
    case .rows: "a number for each output channel"
    case .columns: "a number for each input"
    case .matrix: "a number for each weight"
    }
  }

  /// The type of an elementwise operation: the smaller value is repeated along what it lacks.
  func joined(_ other: ValueType) -> ValueType {
    if self == other || other == .scalar { return self }
    return self == .scalar ? other : .matrix
  }
}
