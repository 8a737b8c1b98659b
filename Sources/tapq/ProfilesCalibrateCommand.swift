import ArgumentParser
import Foundation
import Pipeline

struct ProfilesCalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure the kernels of this machine and fit a profile to them.",
    discussion: "Takes a few minutes. Keep the machine otherwise idle.")

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The profile to write; existing files stay.", valueName: "FILE.yaml"))
  var output: String

  @Option(help: "The profile's name. Default: that of the file.")
  var name: String?

  @Option(
    help: ArgumentHelp("Numbers of threads to measure, with commas.", valueName: "1,2"))
  var threads = "1,\(ProcessInfo.processInfo.activeProcessorCount)"

  @Option(help: "About how long to measure.")
  var seconds = 150.0

  @Option(help: ArgumentHelp("Also writes the measured steps.", valueName: "FILE.json"))
  var samples: String?

  @Flag(help: "Print the report as JSON.")
  var json = false

  func validate() throws {
    guard seconds > 0, seconds <= 86_400 else {
      throw ValidationError("--seconds must be above 0 and at most 86400")
    }
    guard output.hasSuffix(".yaml") else {
      throw ValidationError("--output '\(output)' must end in .yaml")
    }
    _ = try ThreadCounts.parse(threads)
  }

  func run() throws {
    let progress = Progress(label: "measuring")
    let report = try ProfileCalibration.run(
      .init(
        output: output, name: name, threads: try ThreadCounts.parse(threads), seconds: seconds,
        samples: samples), progress: progress.report)
    progress.finish()
    if json { return try Console.json(report) }
    Console.result(ProfilesCalibrateCommand.text(report) + "\n\(output) is written")
  }

  private static func text(_ report: ProfileCalibration.Report) -> String {
    let rows = report.errors.map { error in
      let old = report.oldErrors.first { $0.kind == error.kind && $0.threads == error.threads }
      return [
        error.kind.rawValue, "\(error.threads)", "\(error.samples)",
        percent(old?.median), percent(error.median),
      ]
    }
    let old = report.old.map { "error of \($0)" } ?? "old error"
    return Console.table([["kernels", "threads", "steps", old, "new error"]] + rows)
  }

  private static func percent(_ share: Double?) -> String {
    share.map { String(format: "%.1f %%", 100 * $0) } ?? "-"
  }
}
