/// Durations as people write them: `4ms`, `1.3cycles`; frequencies: `120MHz`.
public enum TimeSpan {
  static let units: [Quantity.Unit] = [
    .init(symbol: "fs", exponent: -15), .init(symbol: "ps", exponent: -12),
    .init(symbol: "ns", exponent: -9), .init(symbol: "us", exponent: -6),
    .init(symbol: "ms", exponent: -3), .init(symbol: "s"),
  ]
  private static let cycles: [Quantity.Unit] = [.init(symbol: "cycles"), .init(symbol: "cycle")]

  /// Seconds. `clock`: hertz that `cycles` are counted by; nil where there is none.
  public static func read(
    _ text: String, clock: Double? = nil
  ) throws(QuantityProblem) -> Double {
    let quantity = try Quantity(text, units: clock == nil ? units : units + cycles)
    guard let clock, quantity.unit.symbol.hasPrefix("cycle") else { return quantity.value }
    return quantity.value / clock
  }

  /// Reads back equal.
  public static func text(_ seconds: Double) -> String {
    let unit = units.last { seconds >= Double("1e\($0.exponent)") ?? 0 }
    guard let unit else { return DecimalText.plain(seconds, exponent: -15) + "fs" }
    return DecimalText.plain(seconds, exponent: unit.exponent) + unit.symbol
  }
}

/// Frequencies as people write them: `120MHz`.
public enum Frequency {
  static let units: [Quantity.Unit] = [
    .init(symbol: "Hz"), .init(symbol: "kHz", exponent: 3), .init(symbol: "MHz", exponent: 6),
    .init(symbol: "GHz", exponent: 9),
  ]

  /// Hertz.
  public static func read(_ text: String) throws(QuantityProblem) -> Double {
    let hertz = try Quantity(text, units: units).value
    guard hertz > 0 else { throw .outOfRange }
    return hertz
  }

  /// Reads back equal.
  public static func text(_ hertz: Double) -> String {
    let unit = units.last { hertz >= Double("1e\($0.exponent)") ?? 0 } ?? units[0]
    return DecimalText.plain(hertz, exponent: unit.exponent) + unit.symbol
  }
}
