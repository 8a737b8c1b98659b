import ArgumentParser
import Pipeline

/// `--embedding-bits`, the same for every command that has it.
struct EmbeddingFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Width of tables that Gather looks vectors up in: 8, 4 (a scale for every 32 values) or 32.",
      valueName: "8"))
  var embeddingBits = 8

  func width() throws -> EmbeddingBits {
    guard let width = EmbeddingBits(rawValue: embeddingBits) else {
      throw ValidationError("--embedding-bits must be 4, 8 or 32, not \(embeddingBits)")
    }
    return width
  }
}
