import ArgumentParser
import Pipeline

/// Lists like `2,4,8` of widths.
enum WidthList {
  static func parse(_ text: String, of flag: String = "--bits") throws -> [Int] {
    guard let widths = QuantizeOptions.bits(text), !widths.isEmpty else {
      throw ValidationError("\(flag) '\(text)' is not a list like 2,4,8 of widths from 2 to 8")
    }
    return widths
  }
}
