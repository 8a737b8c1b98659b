/// Sizes as people write them: `98304`, `96KiB`, `1.5MB`.
public enum ByteSize {
  private static let units: [(suffix: String, factor: Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("kb", 1000), ("mb", 1_000_000),
    ("gb", 1_000_000_000), ("b", 1),
  ]

  /// Whole bytes, rounded down; nil where the text is not a positive size.
  public static func parse(_ text: String) -> Int? {
    let lower = text.lowercased()
    let unit = units.first { lower.hasSuffix($0.suffix) }
    var number = lower.dropLast(unit?.suffix.count ?? 0)
    while number.last == " " { number.removeLast() }
    guard !number.isEmpty, number.allSatisfy({ $0.isNumber || $0 == "." }),
      let value = Double(number)
    else { return nil }
    let bytes = value * (unit?.factor ?? 1)
    guard bytes >= 1, bytes < 0x1p62 else { return nil }
    return Int(bytes)
  }
}
