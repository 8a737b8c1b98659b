import Parallelism

/// Into how many tasks a step is cut.
enum TaskCount {
  /// Work below which waking a helper costs more than it brings, in operations of the best kernels.
  private static let smallest = 1 << 18
  /// Work that is worth more tasks than threads, so that a late thread holds up less.
  private static let large = 1 << 22

  /// `work` in multiply-accumulates or what takes as long. Small steps get a task for each
  /// thread: it then finds near what it wrote in the step before. Large ones get as many for every
  /// thread, for threads wait at the end.
  static func tasks(work: Int, most: Int, pool: WorkerPool) -> Int {
    let threads = pool.threadCount
    guard threads > 1, work >= threads * smallest else { return 1 }
    let rounds = min(max(1, work / large / threads), 4)
    return max(1, min(rounds * threads, most))
  }

  /// How much longer the busiest thread works on so many equal pieces than if they were shared evenly.
  static func unevenness(_ pieces: Int, pool: WorkerPool) -> Double {
    let threads = pool.threadCount
    return Double((pieces + threads - 1) / threads * threads) / Double(max(pieces, 1))
  }
}
