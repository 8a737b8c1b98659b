import Synchronization
import Testing

@testable import Parallelism

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 7], [0, 1, 2, 5, 1000])
  func runsEveryIterationOnce(threads: Int, iterations: Int) {
    let pool = WorkerPool(threadCount: threads)
    for _ in 0..<20 {
      let counts = Mutex([Int](repeating: 0, count: iterations))
      pool.forEach(iterations) { index in counts.withLock { $0[index] += 1 } }
      #expect(counts.withLock { $0 } == [Int](repeating: 1, count: iterations))
    }
  }

  @Test func nestedLoopsFinish() {
    let pool = WorkerPool(threadCount: 4)
    let total = Atomic<Int>(0)
    pool.forEach(8) { outer in
      pool.forEach(8) { inner in total.add(outer * 8 + inner, ordering: .relaxed) }
    }
    #expect(total.load(ordering: .relaxed) == 63 * 64 / 2)
  }

  @Test(arguments: [1, 3])
  func resultsAreInOrderAndErrorsArrive(threads: Int) throws {
    struct Refusal: Error {}
    let pool = WorkerPool(threadCount: threads)
    #expect(try pool.map(100) { "\($0)" } == (0..<100).map { "\($0)" })
    #expect(try pool.map(0) { $0 } == [])
    let calls = Counter()
    #expect(throws: Refusal.self) {
      try pool.map(100) { index in
        calls.increment()
        if index == 40 { throw Refusal() }
      }
    }
    #expect(calls.value == 100)
  }

  @Test func callersOnSeveralThreadsShareAPool() async {
    let pool = WorkerPool(threadCount: 3)
    let total = Counter()
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<50 { pool.forEach(10) { _ in total.increment() } }
        }
      }
    }
    #expect(total.value == 4 * 50 * 10)
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .relaxed) }

  func increment() { count.add(1, ordering: .relaxed) }
}
