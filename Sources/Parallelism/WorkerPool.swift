import CWorkerCrew

/// Runs the iterations of a loop on a fixed number of threads: the caller's and `threadCount - 1`
/// of its own, which sleep while there is nothing to do.
///
/// Which iterations exist never depends on the number of threads: results are the same for any
/// `threadCount`, as long as iterations are independent.
public final class WorkerPool: @unchecked Sendable {
  public let threadCount: Int
  /// Thread-safe by its own means.
  private let crew: OpaquePointer?

  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    crew = threadCount > 1 ? wc_start(threadCount - 1) : nil
  }

  deinit {
    if let crew { wc_dismiss(crew) }
  }

  /// Calls `body(0) ... body(iterations - 1)`, each once, in any order, and returns after all.
  /// A call from inside `body`, or from another thread meanwhile, runs its iterations in order.
  public func forEach(_ iterations: Int, _ body: @Sendable (Int) -> Void) {
    if iterations > 1, let crew, run(crew, iterations, body) { return }
    for index in 0..<max(iterations, 0) { body(index) }
  }

  /// `body(0) ... body(iterations - 1)`, as `forEach` calls them, in order. Throws the first error, after
  /// all are done.
  public func map<Element>(
    _ iterations: Int, _ body: @Sendable (Int) throws -> Element
  ) throws -> [Element] {
    var results = [Result<Element, any Error>?](repeating: nil, count: max(iterations, 0))
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      forEach(iterations) { index in results[index] = Result { try body(index) } }
    }
    return try results.compactMap { try $0?.get() }
  }

  /// False where the crew is busy with another loop.
  private func run(_ crew: OpaquePointer, _ iterations: Int, _ body: (Int) -> Void) -> Bool {
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { context in
        wc_run(
          crew, iterations,
          { context, index in
            context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
          }, UnsafeMutableRawPointer(mutating: context)) != 0
      }
    }
  }
}
