import ArgumentParser
import CHeap
import Foundation

@main
struct Tapq: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tapq", abstract: "Quantize an ONNX network so that it fits a device.",
    subcommands: [
      InspectCommand.self, RunCommand.self, QuantizeCommand.self, EvaluateCommand.self,
      BenchmarkCommand.self, ParetoCommand.self, SensitivityCommand.self, ProfilesCommand.self,
      ProxiesCommand.self, SearchCommand.self,
    ])

  /// Exit codes: 0 done, 1 the request cannot be met, 2 bad input, 64 usage.
  static func main() {
    MatrixKernels.chooseWidest()
    keepFreedMemory()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      let code = exitCode(for: error)
      let isOurs = !(error is CleanExit || error is ExitCode || code == .validationFailure)
      if isOurs, let failure = CommandFailure(error) {
        Console.error(failure.sentence)
        Foundation.exit(failure.code)
      }
      if code == .validationFailure {
        var message = fullMessage(for: error)
        if message.hasPrefix("Error: ") { message.removeFirst("Error: ".count) }
        Console.error(message)
        Foundation.exit(code.rawValue)
      }
      exit(withError: error)
    }
  }

  /// Large buffers come and go all the time: the heap keeps them, where glibc would ask the system for
  /// new pages, and the system clear them, each time.
  private static func keepFreedMemory() {
    _ = mallopt(M_MMAP_THRESHOLD, 1 << 30)
    _ = mallopt(M_TRIM_THRESHOLD, .max)
  }
}
