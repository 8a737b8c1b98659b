import ArgumentParser
import Foundation
import Pipeline

struct ParetoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pareto",
    abstract: "Show what every size costs: the frontier of size, latency and predicted fidelity.")

  @Argument(help: "The float .onnx file.")
  var model: String

  @OptionGroup var calibration: CalibrationFlags

  @OptionGroup var device: DeviceFlags

  @Option(help: ArgumentHelp("Widths that a layer may take, 2 to 8.", valueName: "2,3,4"))
  var bits = "2,3,4,5,6,8"

  @OptionGroup var activations: ActivationFlags

  @OptionGroup var constants: ConstantFlags

  @Option(help: "Budgets to try between the smallest and the largest plan.")
  var points = 25

  @OptionGroup var rounding: RoundingFlags

  @OptionGroup var statistics: StatisticsFlags

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the points as comma-separated values, with the bits of every layer.")
  var csv = false

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    try device.check()
    try calibration.check()
    guard (1...1000).contains(points) else {
      throw ValidationError("--points must be between 1 and 1000")
    }
    _ = try WidthList.parse(bits)
    var options = QuantizeOptions(model: model, output: "", calibration: [])
    try activations.apply(to: &options)
    try constants.apply(to: &options)
    if csv, json { throw ValidationError("give --csv or --json, not both") }
  }

  func run() throws {
    var options = QuantizeOptions(model: model, output: "", calibration: calibration.calibration)
    try calibration.apply(to: &options)
    options.device = try device.limits()
    options.bits = try WidthList.parse(bits)
    try activations.apply(to: &options)
    try constants.apply(to: &options)
    options.preprocessing = try preprocessing.resolved()
    try rounding.apply(to: &options)
    options.cache = statistics.cache
    let progress = Progress(label: "")
    let report = try Pareto.run(options, points: points) {
      progress.report($0, done: $1, count: $2)
    }
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(csv ? ParetoCommand.csv(report) : ParetoCommand.table(report))
  }

  private static func table(_ report: Pareto.Report) -> String {
    let rows = report.points.map { point in
      [
        "\(point.weightBytes)", String(format: "%.2f", point.averageWeightBits),
        point.predictedLatencyMilliseconds.map { String(format: "%.3f", $0) } ?? "-",
        String(format: "%.3e", point.damage), widths(point),
      ]
    }
    return Console.table(
      [["weight bytes", "bits a weight", "ms", "output error", "layers at each width"]] + rows)
  }

  /// `12 at 4, 3 at 8`.
  private static func widths(_ point: Pareto.Point) -> String {
    let counts = point.bits.values.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
    return counts.sorted { $0.key < $1.key }.map { "\($0.value) at \($0.key)" }
      .joined(separator: ", ")
  }

  private static func csv(_ report: Pareto.Report) -> String {
    let layers = report.points.first.map { $0.bits.keys.sorted() } ?? []
    let head = ["weight_bytes", "average_weight_bits", "predicted_latency_ms", "damage"] + layers
    let rows = report.points.map { point in
      [
        "\(point.weightBytes)", "\(point.averageWeightBits)",
        point.predictedLatencyMilliseconds.map { "\($0)" } ?? "", "\(point.damage)",
      ] + layers.map { point.bits[$0].map(String.init) ?? "" }
    }
    return ([head.map(quoted)] + rows).map { $0.joined(separator: ",") }.joined(separator: "\n")
  }

  /// As RFC 4180 wants fields with commas or quotes.
  private static func quoted(_ field: String) -> String {
    field.contains { ",\"\n".contains($0) }
      ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
  }
}
