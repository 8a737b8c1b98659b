import ArgumentParser
import Foundation
import Pipeline

struct SensitivityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensitivity",
    abstract: "Show what every layer costs at every width, measured or as a proxy predicts it.")

  @Argument(help: "The float .onnx file.")
  var model: String

  @OptionGroup var calibration: CalibrationFlags

  @Option(help: ArgumentHelp("Widths to measure, 2 to 8.", valueName: "2,3,4"))
  var bits = "2,3,4,5,6,8"

  @Option(
    help: ArgumentHelp(
      "Show what this proxy predicts instead, and what that takes: a name of `tapq proxies list` or a "
        + ".tap file.",
      valueName: "NAME|FILE"))
  var proxy: String?

  @OptionGroup var rounding: RoundingFlags

  @OptionGroup var statistics: StatisticsFlags

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws { _ = try options() }

  func run() throws {
    var options = try options()
    options.preprocessing = try preprocessing.resolved()
    let progress = Progress(label: "")
    if let proxy = try proxy.map({ try ProxyLibrary.proxy($0) }) {
      let report = try SensitivityPrediction.run(options, proxy: proxy) {
        progress.report($0, done: $1, count: $2)
      }
      progress.finish()
      if json { return try Console.json(report) }
      return Console.result(SensitivityCommand.text(report))
    }
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
    options.cache = statistics.cache
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

  private static func text(_ report: SensitivityPrediction.Report) -> String {
    let rows = report.layers.flatMap { layer in
      layer.damage.enumerated().map { index, damage in
        [
          index == 0 ? layer.name : "", index == 0 ? layer.op : "", "\(damage.bits)",
          number(damage.predicted),
        ]
      }
    }
    let seconds = report.seconds
    let stages = [
      ("float network alone", seconds.forward), ("calibration", seconds.calibration),
      ("weights at every width", seconds.weights), ("other statistics", seconds.statistics),
      ("formula", seconds.scoring), ("allocation", seconds.allocation),
    ]
    return Console.table([["layer", "op", "bits", report.proxy]] + rows) + "\n\n"
      + Console.table(
        [["stage", "ms"]] + stages.map { [$0.0, String(format: "%.1f", $0.1 * 1e3)] })
  }

  private static func number(_ value: Double) -> String { String(format: "%.2e", value) }
}
