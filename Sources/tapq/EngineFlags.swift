import ArgumentParser
import Foundation
import Pipeline

extension EngineKind: ExpressibleByArgument {}

struct EngineFlags: ParsableArguments {
  @Option(help: "What computes the model. Default: integer for quantized models, else float.")
  var engine: EngineKind?

  @Option(help: "Threads; results do not depend on it. Default: one for each processor.")
  var threads: Int?

  var threadCount: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  func validate() throws {
    guard (1...1024).contains(threadCount) else {
      throw ValidationError("--threads must be between 1 and 1024")
    }
  }
}
