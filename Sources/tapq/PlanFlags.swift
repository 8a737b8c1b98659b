import ArgumentParser

/// Which plans proxies are judged on.
struct PlanFlags: ParsableArguments {
  @Option(help: "Random plans of each size.")
  var plans = 60

  @Option(help: "Samples that plans are judged on.")
  var heldOut = 128

  @Option(help: ArgumentHelp("Folder that keeps measured plans and statistics.", valueName: "DIR"))
  var cache: String?

  func check() throws {
    guard (3...10_000).contains(plans) else {
      throw ValidationError("--plans must be between 3 and 10000")
    }
    guard (1...1_000_000).contains(heldOut) else {
      throw ValidationError("--held-out must be between 1 and 1000000")
    }
  }
}
