import Foundation

/// A line on standard error that counts, only where that is a terminal.
final class Progress {
  private var label: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastUpdate = Date.distantPast

  init(label: String) { self.label = label }

  /// Counts anew where another thing is being done.
  func report(_ label: String, done: Int, count: Int) {
    if label != self.label, isTerminal, lastUpdate != .distantPast { finish() }
    self.label = label
    report(done: done, count: count)
  }

  func report(done: Int, count: Int) {
    guard isTerminal, done == count || Date().timeIntervalSince(lastUpdate) > 0.1 else { return }
    lastUpdate = Date()
    FileHandle.standardError.write(Data("\r\(label) \(done) / \(count)".utf8))
  }

  func finish() {
    if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
  }
}
