import Dispatch

/// Runs the iterations of a loop on a fixed number of threads.
///
/// Which iterations exist never depends on the number of threads: results are the same for any
/// `threadCount`, as long as iterations are independent.
public final class WorkerPool: Sendable {
  public let threadCount: Int

  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
  }

  /// Calls `body(0) ... body(iterations - 1)`, each once, in any order, and returns after all.
  public func forEach(_ iterations: Int, _ body: @Sendable (Int) -> Void) {
    if threadCount == 1 || iterations <= 1 {
      for index in 0..<max(iterations, 0) { body(index) }
    } else {
      DispatchQueue.concurrentPerform(iterations: iterations, execute: body)
    }
  }
}
