import ArgumentParser
import Pipeline

/// How weights become integers.
struct RoundingFlags: ParsableArguments {
  @Option(help: "How weights become integers: nearest, gptq, adaround or block.")
  var rounding = "gptq"

  @Option(help: "Time for rounding: fast (seconds), balanced or best (minutes).")
  var effort = "balanced"

  /// Throws where a flag is not well formed.
  func apply(to options: inout QuantizeOptions) throws {
    try RoundingFlags.apply(rounding, effort: effort, to: &options)
  }

  static func apply(
    _ rounding: String, effort: String, to options: inout QuantizeOptions
  ) throws {
    guard let rounding = QuantizeOptions.rounding(rounding) else {
      throw ValidationError(
        "--rounding must be nearest, gptq, adaround or block, not '\(rounding)'")
    }
    options.rounding = rounding
    guard let effort = QuantizeOptions.effort(effort) else {
      throw ValidationError("--effort must be fast, balanced or best, not '\(effort)'")
    }
    options.effort = effort
  }
}
