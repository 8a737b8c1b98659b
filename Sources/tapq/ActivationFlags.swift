import ArgumentParser
import Pipeline

/// `--activation-bits`, the same for every command that has it.
struct ActivationFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Widths that the input of a layer may take, 2 to 8, or 32: weights alone are quantized. "
        + "Default: what the profile has, without one 8.", valueName: "4,8"))
  var activationBits: String?

  @Option(
    help: ArgumentHelp(
      "Products of two computed values, scores and weighted values of an attention: 8 runs them in "
        + "integers, 32 leaves them float. Default: 8 where they are a tenth of the network or more.",
      valueName: "8|32"))
  var attentionBits: String?

  @Option(
    help: ArgumentHelp(
      "Weights of a product, along its depth, that share a scale: 16 to 256, a power of two; of up to 4 "
        + "bits where inputs are quantized. Default: all of an output channel, 32 with "
        + "--activation-bits 32.", valueName: "N"))
  var blockSize: Int?

  func apply(to options: inout QuantizeOptions) throws {
    options.activationBits = try activationBits.map { text in
      text == "32" ? [32] : try WidthList.parse(text, of: "--activation-bits")
    }
    if let attentionBits {
      guard let choice = AttentionChoice(rawValue: attentionBits) else {
        throw ValidationError("--attention-bits must be 8 or 32, not '\(attentionBits)'")
      }
      guard choice != .integers || !options.isWeightOnly else {
        throw ValidationError(
          "--attention-bits 8 quantizes activations, which --activation-bits 32 leaves float")
      }
      options.attention = choice
    }
    guard let blockSize else { return }
    guard let block = QuantizeOptions.block(blockSize) else {
      throw ValidationError("--block-size must be 16, 32, 64, 128 or 256, not \(blockSize)")
    }
    options.block = block
  }
}
