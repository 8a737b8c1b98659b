import ArgumentParser
import Foundation
import Pipeline

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure the time of one inference, layer by layer.")

  @Argument(help: "The .onnx file.")
  var model: String

  @Option(help: "What computes the model. Default: integer for quantized models, else float.")
  var engine: EngineKind?

  @Option(help: ArgumentHelp("Numbers of threads to try, with commas.", valueName: "1,2"))
  var threads: String = "1"

  @Option(help: "Timed runs, after a warm-up.")
  var runs = 30

  @Option(help: "A profile of this machine: prints its predictions beside the measured times.")
  var profile: String?

  @OptionGroup var shapes: ShapeFlags

  @Flag(help: "Print the reports as JSON.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(runs) else {
      throw ValidationError("--runs must be between 1 and 1000000")
    }
    _ = try ThreadCounts.parse(threads)
  }

  func run() throws {
    let reports = try Benchmark.run(
      .init(
        model: model, engine: engine, threads: try ThreadCounts.parse(threads), runs: runs,
        shapes: try shapes.parsed(), profile: try profile.map { try ProfileLookup.run($0) }))
    if json { return try Console.json(reports) }
    for report in reports { Console.result(BenchmarkCommand.text(report)) }
  }

  private static func text(_ report: BenchmarkReport) -> String {
    let threads = report.threads == 1 ? "1 thread" : "\(report.threads) threads"
    var head = String(
      format: "%@ engine, %@, %@: median %.3f ms, min %.3f ms, p95 %.3f ms\n"
        + "weights %d bytes, values %d bytes", report.engine, report.isa, threads,
      report.medianMilliseconds, report.minMilliseconds, report.p95Milliseconds,
      report.weightBytes, report.arenaBytes)
    if report.engine == EngineKind.integer.rawValue {
      head += String(
        format: ", %.1f %% of all multiply-accumulates in integers", 100 * report.integerShare)
    }
    let peak = report.peakGOPS.map { $0 * Double(report.threads) }
    if let predicted = report.predictedMilliseconds {
      head += String(format: ", predicted %.3f ms", predicted)
    }
    if let peak { head += String(format: ", peak %.0f GOPS", peak) }
    let rows = report.layers.map { layer in
      [
        layer.name, layer.kernel, String(format: "%.1f", layer.us),
      ]
        + (report.predictedMilliseconds == nil
          ? [] : [layer.predictedMicroseconds.map { String(format: "%.1f", $0) } ?? "?"])
        + [layer.gops.map { String(format: "%.1f", $0) } ?? ""]
        + (peak.map { peak in [layer.gops.map { percent($0 / peak) } ?? ""] } ?? [])
    }
    let titles =
      ["layer", "kernel", "us"] + (report.predictedMilliseconds == nil ? [] : ["predicted"])
      + ["GOPS"] + (peak == nil ? [] : ["of peak"])
    return head + "\n" + Console.table([titles] + rows)
  }

  private static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
