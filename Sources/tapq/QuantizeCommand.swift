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

  @OptionGroup var calibration: CalibrationFlags

  @OptionGroup var device: DeviceFlags

  @Option(
    help: ArgumentHelp(
      "Limit for the mean width of all weights, first and last layers included.", valueName: "B"))
  var averageBits: Double?

  @Option(help: ArgumentHelp("Widths that a layer may take, 2 to 8.", valueName: "2,3,4,5,6,8"))
  var bits = "2,3,4,5,6,8"

  @OptionGroup var activations: ActivationFlags

  @OptionGroup var constants: ConstantFlags

  @Option(
    help: ArgumentHelp(
      "Groups of a layer's output channels, put in the order of their damage, that may take widths of "
        + "their own: 1 to 8.",
      valueName: "N"))
  var channelGroups = 1

  @Option(
    help: ArgumentHelp(
      "What predicts the damage of layers: a name of `tapq proxies list` or a .tap file. Default: "
        + "measured-together; with --effort fast or --rounding nearest the error of each layer's output.",
      valueName: "NAME|FILE"))
  var proxy: String?

  @Option(
    help: "How sub-byte weights are written: cast (ONNX Runtime runs it in integers) or native.")
  var storage = "cast"

  @OptionGroup var rounding: RoundingFlags

  @OptionGroup var statistics: StatisticsFlags

  @Flag(help: "Replace the output where it exists.")
  var overwrite = false

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    _ = try options()
    try device.check()
  }

  func run() throws {
    var options = try options()
    options.device = try device.limits()
    options.proxy = try proxy.map { try ProxyLibrary.proxy($0) }
    options.preprocessing = try preprocessing.resolved()
    let progress = Progress(label: "")
    let report = try Quantize.run(options) { progress.report($0, done: $1, count: $2) }
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(QuantizeCommand.text(report))
  }

  private func options() throws -> QuantizeOptions {
    var options = QuantizeOptions(
      model: model, output: output, calibration: calibration.calibration)
    try calibration.apply(to: &options)
    if let averageBits {
      guard averageBits > 0, averageBits <= 32 else {
        throw ValidationError("--average-bits must be between 0 and 32")
      }
      options.averageBits = averageBits
    }
    options.bits = try WidthList.parse(bits)
    try activations.apply(to: &options)
    try constants.apply(to: &options)
    guard let form = QuantizeOptions.storage(storage) else {
      throw ValidationError("--storage must be cast or native, not '\(storage)'")
    }
    options.storage = form
    try rounding.apply(to: &options)
    guard (1...8).contains(channelGroups) else {
      throw ValidationError("--channel-groups must be 1 to 8, not \(channelGroups)")
    }
    guard channelGroups == 1 || options.roundsOnNetwork else {
      throw ValidationError(
        "--channel-groups needs more than --effort fast and another --rounding than nearest: what tells "
          + "groups apart is what they do to the network's outputs")
    }
    options.channelGroups = channelGroups
    options.cache = statistics.cache
    options.overwrite = overwrite
    return options
  }

  /// The bits of a layer's weights; of channel groups, those of each in order.
  private static func widths(_ layer: QuantizeReport.Layer) -> String {
    layer.groups.map { $0.map { "\($0.bits)" }.joined(separator: "/") } ?? "\(layer.weightBits)"
  }

  private static func text(_ report: QuantizeReport) -> String {
    let rows = report.layers.map { layer in
      [
        layer.name, layer.op, widths(layer), "\(layer.activationBits)",
        String(format: "%.2e", layer.sensitivity), "\(layer.bytes)",
      ]
    }
    let tables = report.tables.map { table in
      [table.name, "Gather", "\(table.weightBits)", "32", "-", "\(table.bytes)"]
    }
    let head = Console.table(
      [["layer", "op", "weight bits", "activation bits", "damage", "bytes"]] + rows + tables)
    let binding = report.bindingConstraint.map { ", limited by \($0)" } ?? ""
    let latency =
      report.predictedLatencyMilliseconds.map { String(format: ", %.3f ms predicted", $0) } ?? ""
    let tail = String(
      format: "%@: %d weight bytes, %d file bytes, %.2f bits a weight, %d bytes of RAM%@%@",
      report.output, report.weightBytes, report.fileBytes, report.averageWeightBits,
      report.peakRAMBytes, latency, binding)
    let audit = report.audit.map { audit in
      let figure = audit.spearman.map { String(format: "%.2f", $0) } ?? "none"
      return
        "\nrank correlation of \(report.proxy ?? "") with measuring \(audit.layers.count) layers "
        + "one at a time: \(figure)"
    }
    return head + "\n" + tail + (audit ?? "")
  }
}
