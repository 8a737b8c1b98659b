import ArgumentParser
import Foundation
import Pipeline

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure accuracy, and how close a model stays to a reference.")

  @Argument(help: "The .onnx file.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Samples: .npy, .npz or .pb file, folder or .txt list of images; NAME=SRC for each of "
        + "several inputs.", valueName: "SRC"))
  var data: [String]

  @Option(help: "Classes: .npy file of integers, or text (CLASS or FILE CLASS on each line).")
  var labels: String?

  @Option(help: "The network to compare with, usually the float original.")
  var reference: String?

  @Option(help: "Use the first N samples only.")
  var samples: Int?

  @OptionGroup var preprocessing: PreprocessingFlags
  @OptionGroup var engine: EngineFlags

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples must be at least 1") }
  }

  func run() throws {
    let progress = Progress(label: "evaluating")
    let report = try Evaluation.run(
      .init(
        model: model, data: data, labels: labels, reference: reference,
        preprocessing: try preprocessing.resolved(), samples: samples,
        engine: engine.engine, threads: engine.threadCount), progress: progress.report)
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(Console.table(EvaluateCommand.rows(report)))
  }

  private static func rows(_ report: EvaluationReport) -> [[String]] {
    var rows = [["samples", "\(report.samples)"]]
    let percent: (Double) -> String = { String(format: "%.2f %%", 100 * $0) }
    if let top1 = report.top1 { rows.append(["top-1", percent(top1)]) }
    if let top1 = report.referenceTop1 { rows.append(["top-1 of the reference", percent(top1)]) }
    if let agreement = report.agreement { rows.append(["agreement", percent(agreement)]) }
    if let divergence = report.divergence {
      rows.append(["KL divergence", String(format: "%.5f", divergence)])
    }
    for output in report.outputs {
      rows.append(["SQNR of '\(output.name)'", String(format: "%.2f dB", output.sqnrDecibels)])
    }
    return rows
  }
}
