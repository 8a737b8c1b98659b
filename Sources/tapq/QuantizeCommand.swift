import ArgumentParser
import Foundation
import Pipeline

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Choose the bits of every layer within a budget and write a quantized model.")

  @Argument(help: "The float .onnx file.")
  var model: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "OUT"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Unlabeled samples: .npy, .npz or .pb file, folder or .txt list of images; NAME=SRC for "
        + "each of several inputs.", valueName: "SRC"))
  var calibration: [String]

  @Option(help: "Calibration samples, spread evenly over the source.")
  var samples = 16

  @Option(
    help: ArgumentHelp(
      "Limit for weights, scales and biases, for example 96KiB or 1.5MB.", valueName: "SIZE"))
  var flash: String?

  @Option(
    help: ArgumentHelp(
      "Limit for the mean width of all weights, first and last layers included.", valueName: "B"))
  var averageBits: Double?

  @Option(help: ArgumentHelp("Widths that a layer may take, 2 to 8.", valueName: "2,3,4,5,6,8"))
  var bits = "2,3,4,5,6,8"

  @Option(
    help: "How sub-byte weights are written: cast (ONNX Runtime runs it in integers) or native.")
  var storage = "cast"

  @Option(help: "Activation ranges: minmax, percentile[:99.9], mse or entropy.")
  var range = "mse"

  @Option(help: "How weights become integers: nearest or gptq.")
  var rounding = "gptq"

  @Option(help: "Time for rounding: fast (seconds), balanced or best (minutes).")
  var effort = "balanced"

  @Option(help: "Shifts which positions of the samples are looked at.")
  var seed = 0

  @Option(help: "Threads; results do not depend on it. Default: one for each processor.")
  var threads: Int?

  @Flag(help: "Replace the output where it exists.")
  var overwrite = false

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws { _ = try options() }

  func run() throws {
    var options = try options()
    options.preprocessing = try preprocessing.resolved()
    let progress = Progress(label: "")
    let report = try Quantize.run(options) { what, done, count in
      progress.report(what, done: done, count: count)
    }
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(QuantizeCommand.text(report))
  }

  private func options() throws -> QuantizeOptions {
    var options = QuantizeOptions(model: model, output: output, calibration: calibration)
    guard (1...1_000_000).contains(samples) else {
      throw ValidationError("--samples must be between 1 and 1000000")
    }
    options.samples = samples
    if let flash {
      guard let bytes = ByteSize.parse(flash) else {
        throw ValidationError("--flash '\(flash)' is not a size like 96KiB or 1.5MB")
      }
      options.flash = bytes
    }
    if let averageBits {
      guard averageBits > 0, averageBits <= 32 else {
        throw ValidationError("--average-bits must be between 0 and 32")
      }
      options.averageBits = averageBits
    }
    guard let widths = QuantizeOptions.bits(bits) else {
      throw ValidationError("--bits '\(bits)' is not a list like 2,4,8 of widths from 2 to 8")
    }
    options.bits = widths
    guard let form = QuantizeOptions.storage(storage) else {
      throw ValidationError("--storage must be cast or native, not '\(storage)'")
    }
    options.storage = form
    guard let method = QuantizeOptions.range(range) else {
      throw ValidationError(
        "--range must be minmax, mse, entropy, percentile or percentile:99.9, not '\(range)'")
    }
    options.range = method
    guard let rounding = QuantizeOptions.rounding(rounding) else {
      throw ValidationError("--rounding must be nearest or gptq, not '\(rounding)'")
    }
    options.rounding = rounding
    guard let effort = QuantizeOptions.effort(effort) else {
      throw ValidationError("--effort must be fast, balanced or best, not '\(effort)'")
    }
    options.effort = effort
    options.seed = seed
    options.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    guard (1...1024).contains(options.threads) else {
      throw ValidationError("--threads must be between 1 and 1024")
    }
    options.overwrite = overwrite
    return options
  }

  private static func text(_ report: QuantizeReport) -> String {
    let rows = report.layers.map { layer in
      [
        layer.name, layer.op, "\(layer.weightBits)", "\(layer.activationBits)",
        String(format: "%.2e", layer.sensitivity), "\(layer.bytes)",
      ]
    }
    let head = Console.table(
      [["layer", "op", "weight bits", "activation bits", "output error", "bytes"]] + rows)
    let binding = report.bindingConstraint.map { ", limited by \($0)" } ?? ""
    let tail = String(
      format: "%@: %d weight bytes, %d file bytes, %.2f bits a weight%@", report.output,
      report.weightBytes, report.fileBytes, report.averageWeightBits, binding)
    return head + "\n" + tail
  }
}
