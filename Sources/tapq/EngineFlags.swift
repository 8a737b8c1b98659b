import ArgumentParser
import Foundation

/// What computes a model.
enum EngineName: String, ExpressibleByArgument, CaseIterable {
  case float
}

struct EngineFlags: ParsableArguments {
  @Option(help: "What computes the model.")
  var engine = EngineName.float

  @Option(help: "Threads; results do not depend on it. Default: one for each processor.")
  var threads: Int?

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    guard (1...1024).contains(threadCount) else {
      throw ValidationError("--threads must be between 1 and 1024")
    }
  }
}
