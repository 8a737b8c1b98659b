import Synchronization

/// Runs the iterations of a loop on a fixed number of threads: the caller's and `threadCount - 1`
/// of its own, which sleep while there is nothing to do.
///
/// Which iterations exist never depends on the number of threads: results are the same for any
/// `threadCount`, as long as iterations are independent.
public final class WorkerPool: Sendable {
  public let threadCount: Int
  private let crew: WorkerCrew?

  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    crew = threadCount > 1 ? WorkerCrew(helpers: threadCount - 1) : nil
  }

  deinit { crew?.dismiss() }

  /// Calls `body(0) ... body(iterations - 1)`, each once, in any order, and returns after all.
  /// A call from inside `body`, or from another thread meanwhile, runs its iterations in order.
  public func forEach(_ iterations: Int, _ body: @Sendable (Int) -> Void) {
    if iterations > 1, let crew, crew.run(iterations, body) { return }
    for index in 0..<max(iterations, 0) { body(index) }
  }
}
