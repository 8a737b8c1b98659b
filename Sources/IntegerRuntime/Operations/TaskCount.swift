import Parallelism

/// Into how many tasks a step is cut.
enum TaskCount {
  /// Work below which waking a helper costs more than it brings, in operations of the best kernels.
  private static let smallest = 1 << 18
  /// Work that is worth more tasks than threads, so that a late thread holds up less.
  private static let large = 1 << 22

  /// `work` in multiply-accumulates or what takes as long. Small steps get a task for each
  /// thread: it then finds near what it wrote in the step before.
  static func tasks(work: Int, most: Int, pool: WorkerPool) -> Int {
    let threads = pool.threadCount
    guard threads > 1, work >= threads * smallest else { return 1 }
    let wanted = min(max(threads, work / large), 4 * threads)
    return max(1, min(wanted, most))
  }
}
