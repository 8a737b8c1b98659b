/// One element of a tensor as far as it is known before the graph runs.
enum Scalar: Hashable, Sendable {
  /// An integer, or a bool as 0 or 1.
  case int(Int)
  case float(Float)
  /// A dimension that only the run fixes; never negative.
  case symbol(String)
  case unknown

  init(_ dimension: Dimension) {
    self =
      switch dimension {
      case .fixed(let size): .int(size)
      case .symbolic(let name): .symbol(name)
      case .unknown: .unknown
      }
  }

  var int: Int? { if case .int(let value) = self { value } else { nil } }

  var isKnown: Bool {
    switch self {
    case .int, .float: true
    case .symbol, .unknown: false
    }
  }

  /// The element read as a dimension; a negative one is unknown.
  var dimension: Dimension {
    switch self {
    case .int(let value) where value >= 0: .fixed(value)
    case .symbol(let name): .symbolic(name)
    default: .unknown
    }
  }
}
