import ArgumentParser
import Pipeline

/// Where statistics are kept for other runs.
struct StatisticsFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Folder that keeps what is measured of the network, so that the next run need not.",
      valueName: "DIR"))
  var cache: String?
}
