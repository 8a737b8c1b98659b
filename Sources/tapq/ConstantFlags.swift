import ArgumentParser
import Pipeline

/// How constants are stored that no layer quantizes, the same for every command that plans.
struct ConstantFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Width of tables that Gather looks vectors up in: 8, 4 (a scale for every 32 values) or 32.",
      valueName: "8"))
  var embeddingBits = 8

  @Option(
    help: ArgumentHelp(
      "Width of the other large constants that no layer quantizes: 32, or 16, which runtimes widen "
        + "at load.", valueName: "32"))
  var floatBits = 32

  func apply(to options: inout QuantizeOptions) throws {
    guard let width = EmbeddingBits(rawValue: embeddingBits) else {
      throw ValidationError("--embedding-bits must be 4, 8 or 32, not \(embeddingBits)")
    }
    options.embeddingBits = width
    guard floatBits == 16 || floatBits == 32 else {
      throw ValidationError("--float-bits must be 16 or 32, not \(floatBits)")
    }
    options.storesHalfFloats = floatBits == 16
  }
}
