/// Sizes as people write them: `98304`, `96KiB`, `1.5MB`.
public enum ByteSize {
  static let units: [Quantity.Unit] = [
    .init(symbol: "B"), .init(symbol: "KiB", factor: 1024), .init(symbol: "kB", exponent: 3),
    .init(symbol: "MiB", factor: 1_048_576), .init(symbol: "MB", exponent: 6),
    .init(symbol: "GiB", factor: 1_073_741_824), .init(symbol: "GB", exponent: 9),
  ]

  /// Whole bytes, rounded down.
  public static func read(_ text: String) throws(QuantityProblem) -> Int {
    let bytes = try Quantity(text, units: units).value
    guard bytes >= 1, bytes < 0x1p62 else { throw .outOfRange }
    return Int(bytes)
  }

  /// Like `read`, and a number without a unit is bytes; nil where the text is not a positive size.
  public static func parse(_ text: String) -> Int? {
    try? read(Double(text) == nil ? text : text + "B")
  }

  /// Why `parse` gives nil.
  public static func problem(_ text: String) -> QuantityProblem? {
    do {
      _ = try read(Double(text) == nil ? text : text + "B")
      return nil
    } catch {
      return error
    }
  }

  /// As short as it can be without rounding.
  public static func text(_ bytes: Int) -> String {
    let units: [(String, Int)] = [
      ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("GB", 1_000_000_000),
      ("MB", 1_000_000), ("kB", 1000), ("B", 1),
    ]
    let texts = units.filter { bytes.isMultiple(of: $0.1) }.map { "\(bytes / $0.1)\($0.0)" }
    return texts.min { $0.count < $1.count } ?? "\(bytes)B"
  }
}
