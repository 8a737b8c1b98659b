import ArgumentParser
import Foundation
import Pipeline

struct ProxiesScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Measure how well proxies rank plans of equal size, on samples that they do not see.",
    discussion: """
      Random plans of several sizes are really quantized and compared with the float network. The \
      table shows Spearman's correlation of predicted and measured damage among plans of one size, and \
      the fidelity of the plan of that size that the proxy leads to: the mean of agreement and exp(-KL). \
      Outcomes are kept on disk: what was stopped goes on where it was.
      """)

  @Argument(help: "The float .onnx files.")
  var models: [String]

  @OptionGroup var calibration: CalibrationFlags

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("A .tap file to judge besides those that ship.", valueName: "FILE"))
  var proxy: [String] = []

  @Option(help: ArgumentHelp("Sizes of plans, in bits on average.", valueName: "3,4,5,6"))
  var budgets = "3,4,5,6"

  @OptionGroup var trials: PlanFlags

  @Option(help: ArgumentHelp("Widths that a layer may take, 2 to 8.", valueName: "2,3,4,5,6,8"))
  var bits = "2,3,4,5,6,8"

  @Option(help: "How weights become integers: nearest, gptq, adaround or block.")
  var rounding = "gptq"

  @Option(help: "Time for rounding each plan: fast, balanced or best.")
  var effort = "fast"

  @OptionGroup var preprocessing: PreprocessingFlags

  @Flag(help: "Print the report as JSON, with the plans.")
  var json = false

  func validate() throws { _ = try options() }

  func run() throws {
    var options = try options()
    options.quantize.preprocessing = try preprocessing.resolved()
    options.proxies = try proxy.map { try ProxyLibrary.proxy($0) }
    let progress = Progress(label: "")
    let report = try ProxyScore.run(options) { progress.report($0, done: $1, count: $2) }
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(ProxiesScoreCommand.text(report))
  }

  private func options() throws -> ProxyScore.Options {
    var quantize = QuantizeOptions(
      model: "", output: "", calibration: calibration.calibration)
    try calibration.apply(to: &quantize)
    quantize.bits = try WidthList.parse(bits)
    try RoundingFlags.apply(rounding, effort: effort, to: &quantize)
    var options = ProxyScore.Options(models: models, quantize: quantize)
    options.budgets = try BudgetList.parse(budgets)
    try trials.check()
    options.plans = trials.plans
    options.heldOut = trials.heldOut
    options.cache = trials.cache
    return options
  }

  private static func text(_ report: ProxyScoreReport) -> String {
    var parts = report.networks.map(text)
    if report.networks.count > 1 {
      let rows = report.mean.map {
        [$0.proxy] + [$0.spearman, $0.lowest, $0.kendall, $0.fidelity].map(number)
      }
      parts.append(
        "mean of \(report.networks.count) networks\n"
          + Console.table([["proxy", "Spearman", "lowest", "Kendall", "fidelity"]] + rows))
    }
    return parts.joined(separator: "\n\n")
  }

  private static func text(_ network: ProxyScoreReport.Network) -> String {
    let budgets = network.proxies.first?.budgets ?? []
    let head =
      "\(network.model): \(network.plans.count) plans (\(network.cachedPlans) from disk), "
      + "\(network.heldOutSamples) held-out samples"
    let columns =
      ["proxy"] + budgets.map { String(format: "%g bits", $0.averageBits) }
      + ["mean", "best 50 %", "best 20 %", "Kendall"]
      + budgets.map { String(format: "plan of %g", $0.averageBits) }
    let rows = network.proxies.map { row in
      [row.proxy] + row.budgets.map { $0.spearman.map(number) ?? "-" }
        + [row.spearman, row.spearmanBest50, row.spearmanBest20, row.kendall].map(number)
        + row.budgets.map { $0.fidelity.map(number) ?? "-" }
    }
    let failures = network.proxies.compactMap { row in
      row.failure.map { "\(row.proxy) gives no prediction: \($0)" }
    }
    return ([head, Console.table([columns] + rows)] + failures).joined(separator: "\n")
  }

  private static func number(_ value: Double) -> String { String(format: "%.3f", value) }
}
