import ArgumentParser

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
