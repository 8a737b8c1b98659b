import ArgumentParser
import Pipeline

/// How a command that failed ends: one sentence and an exit code.
struct CommandFailure {
  let sentence: String
  let code: Int32

  /// Nil for errors that the argument parser itself explains (help, usage).
  init?(_ error: any Error) {
    guard Tapq.exitCode(for: error) == .failure else { return nil }
    sentence = "\(error)"
    code = UnmetRequest.isOne(error) ? 1 : 2
  }
}
