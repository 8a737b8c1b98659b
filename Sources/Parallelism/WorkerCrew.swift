import Foundation
import Synchronization

/// The threads of a pool. Each holds a reference to the crew, never to the pool, so that the
/// pool's end can send them home.
final class WorkerCrew: Sendable {
  /// Rounds that a helper looks for work before it sleeps, and a caller for the last helper.
  private static let patience = 100_000

  private struct Job: @unchecked Sendable {
    let iterations: Int
    let body: (Int) -> Void
  }

  /// Number of the current job; helpers compare it with the last one they joined.
  private let ticket = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  /// Helpers inside the current job.
  private let joined = Atomic<Int>(0)
  private let open = Atomic<Bool>(false)
  private let busy = Atomic<Bool>(false)
  private let leaving = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let condition = NSCondition()
  private nonisolated(unsafe) var job = Job(iterations: 0) { _ in }

  init(helpers: Int) {
    for _ in 0..<helpers {
      let thread = Thread { [self] in work() }
      thread.stackSize = 1 << 21
      thread.name = "tapq worker"
      thread.start()
    }
  }

  /// False where the crew is busy with another loop.
  func run(_ iterations: Int, _ body: (Int) -> Void) -> Bool {
    guard busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else { return false }
    withoutActuallyEscaping(body) { body in
      job = Job(iterations: iterations, body: body)
      next.store(0, ordering: .relaxed)
      open.store(true, ordering: .sequentiallyConsistent)
      ticket.add(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        condition.lock()
        condition.broadcast()
        condition.unlock()
      }
      drain()
      // No helper joins from here on; those inside finish their last iteration.
      open.store(false, ordering: .sequentiallyConsistent)
      var rounds = 0
      while joined.load(ordering: .sequentiallyConsistent) > 0 {
        rounds += 1
        if rounds > WorkerCrew.patience { sched_yield() }
      }
      job = Job(iterations: 0) { _ in }
    }
    busy.store(false, ordering: .releasing)
    return true
  }

  func dismiss() {
    leaving.store(true, ordering: .sequentiallyConsistent)
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  private func drain() {
    let job = job
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= job.iterations { return }
      job.body(index)
    }
  }

  private func work() {
    var seen = 0
    while let number = nextJob(after: seen) {
      seen = number
      joined.add(1, ordering: .sequentiallyConsistent)
      if open.load(ordering: .sequentiallyConsistent) { drain() }
      joined.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// The number of a job newer than `seen`; nil when it is time to leave.
  private func nextJob(after seen: Int) -> Int? {
    for _ in 0..<WorkerCrew.patience {
      let number = ticket.load(ordering: .sequentiallyConsistent)
      if number != seen { return number }
    }
    condition.lock()
    defer { condition.unlock() }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      if leaving.load(ordering: .sequentiallyConsistent) { return nil }
      let number = ticket.load(ordering: .sequentiallyConsistent)
      if number != seen { return number }
      condition.wait()
    }
  }
}
