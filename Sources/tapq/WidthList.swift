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

/// `--activation-bits`, the same for every command that has it.
struct ActivationFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Widths that the input of a layer may take, 2 to 8. Default: what the profile has, without "
        + "one 8.", valueName: "4,8"))
  var activationBits: String?

  func widths() throws -> [Int]? {
    try activationBits.map { try WidthList.parse($0, of: "--activation-bits") }
  }
}
