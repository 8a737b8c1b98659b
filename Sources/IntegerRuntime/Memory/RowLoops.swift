import Parallelism

extension PlacedValue {
  /// The first place of a row.
  func row(_ image: Int, _ row: Int) -> UnsafeMutablePointer<UInt8> {
    self.image(image) + row * layout.rowPitch
  }
}

extension ImageLayout {
  /// Calls `body` with every image and row, in any order.
  func forEachRowInParallel(
    _ pool: WorkerPool, _ body: @Sendable (_ image: Int, _ row: Int) -> Void
  ) {
    let rows = images * height
    let tasks = TaskCount.tasks(work: 64 * count, most: rows, pool: pool)
    pool.forEach(tasks) { task in
      for index in rows * task / tasks..<rows * (task + 1) / tasks {
        body(index / height, index % height)
      }
    }
  }
}
