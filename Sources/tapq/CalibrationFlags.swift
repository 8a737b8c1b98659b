import ArgumentParser
import Foundation
import Pipeline

/// Which samples a network is calibrated with, and how.
struct CalibrationFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Unlabeled samples: .npy, .npz or .pb file, folder or .txt list of images; NAME=SRC for "
        + "each of several inputs.", valueName: "SRC"))
  var calibration: [String]

  @Option(help: "Calibration samples, spread evenly over the source.")
  var samples = 16

  @Flag(
    inversion: .prefixedNo,
    help: "Round weights on variants too: images moved and otherwise lit, texts of other words.")
  var augment = true

  @Option(help: "Activation ranges: minmax, percentile[:99.9], mse, entropy or output.")
  var range = "mse"

  @Option(help: "Shifts which positions of the samples are looked at.")
  var seed = 0

  @Option(help: "Threads; results do not depend on it. Default: one for each processor.")
  var threads: Int?

  /// Throws where a flag is not well formed.
  func check() throws {
    var options = QuantizeOptions(model: "", output: "", calibration: [])
    try apply(to: &options)
  }

  func apply(to options: inout QuantizeOptions) throws {
    try Self.apply(samples: samples, threads: threads, to: &options)
    options.augments = augment
    guard let method = QuantizeOptions.range(range) else {
      throw ValidationError(
        "--range must be minmax, mse, entropy, output, percentile or percentile:99.9, not '\(range)'"
      )
    }
    options.range = method
    options.seed = seed
  }

  /// Throws where a number is out of its range.
  static func apply(samples: Int, threads: Int?, to options: inout QuantizeOptions) throws {
    guard (1...1_000_000).contains(samples) else {
      throw ValidationError("--samples must be between 1 and 1000000")
    }
    options.samples = samples
    options.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    guard (1...1024).contains(options.threads) else {
      throw ValidationError("--threads must be between 1 and 1024")
    }
  }
}
