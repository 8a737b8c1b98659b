import ArgumentParser
import Foundation
import Pipeline

struct SensitivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Measure what every layer costs at every width, and how proxies rank the layers.")

  @Argument(help: "The float .onnx file.")
  var model: String

  @OptionGroup var calibration: CalibrationFlags

  @Option(help: ArgumentHelp("Widths to measure, 2 to 8.", valueName: "2,3,4"))
  var bits = "2,3,4,5,6,8"

  @OptionGroup var rounding: RoundingFlags

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws { _ = try options() }

  func run() throws {
    var options = try options()
    options.preprocessing = try preprocessing.resolved()
    let progress = Progress(label: "")
    let report = try SensitivityMeasurement.run(options) {
      progress.report($0, done: $1, count: $2)
    }
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(SensitivityCommand.text(report))
  }

  private func options() throws -> QuantizeOptions {
    var options = QuantizeOptions(model: model, output: "", calibration: calibration.calibration)
    try calibration.apply(to: &options)
    try rounding.apply(to: &options)
    options.bits = try WidthList.parse(bits)
    return options
  }

  private static func text(_ report: SensitivityMeasurement.Report) -> String {
    let rows = report.layers.flatMap { layer in
      layer.damage.enumerated().map { index, damage in
        [
          index == 0 ? layer.name : "", index == 0 ? layer.op : "", "\(damage.bits)",
          number(damage.beforeRounding), number(damage.afterRounding), number(damage.measured),
        ]
      }
    }
    let ranks = report.proxies.map {
      [$0.proxy, $0.spearman.map { String(format: "%.2f", $0) } ?? "-"]
    }
    return Console.table(
      [["layer", "op", "bits", "output error, nearest", "with feedback", "at the network's end"]]
        + rows)
      + "\n\n" + Console.table([["proxy", "Spearman with the last column"]] + ranks)
  }

  private static func number(_ value: Double) -> String { String(format: "%.2e", value) }
}
