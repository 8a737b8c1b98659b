import ArgumentParser
import Pipeline

/// Lists like `2,4,8` of widths of weights.
enum WidthList {
  static func parse(_ text: String) throws -> [Int] {
    guard let widths = QuantizeOptions.bits(text) else {
      throw ValidationError("--bits '\(text)' is not a list like 2,4,8 of widths from 2 to 8")
    }
    return widths
  }
}
