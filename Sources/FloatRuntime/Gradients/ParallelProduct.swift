import COpenBLAS
import Parallelism

/// Matrix products in tasks that do not depend on the number of threads.
struct ParallelProduct {
  /// Multiply-adds that are worth a task of their own.
  private static let workPerTask = 1_000_000

  var rows: Int
  var columns: Int
  var depth: Int
  var isLeftTransposed = false
  var isRightTransposed = false
  var alpha: Float = 1
  /// Adds to what the output holds.
  var accumulates = false

  /// `output[rows, columns] (+)= alpha * op(left) * op(right)`; all dense and row-major, operands in
  /// the shapes that they have before transposition.
  func run(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>, pool: WorkerPool
  ) {
    guard rows > 0, columns > 0, TransposedProduct.isConfigured else { return }
    guard depth > 0 else {
      if !accumulates { output.update(repeating: 0, count: rows * columns) }
      return
    }
    let byRows = rows >= columns
    let extent = byRows ? rows : columns
    let tasks = max(
      1, min(8, extent / 64, rows * columns / 64 * depth / (ParallelProduct.workPerTask / 64)))
    nonisolated(unsafe) let (a, b, c) = (left, right, output)
    let (leftStride, rightStride) = (
      isLeftTransposed ? rows : depth, isRightTransposed ? depth : columns
    )
    pool.forEach(tasks) { task in
      let first = extent * task / tasks
      let count = extent * (task + 1) / tasks - first
      let leftOffset = byRows ? first * (isLeftTransposed ? 1 : depth) : 0
      let rightOffset = byRows ? 0 : first * (isRightTransposed ? depth : 1)
      cblas_sgemm(
        CblasRowMajor, isLeftTransposed ? CblasTrans : CblasNoTrans,
        isRightTransposed ? CblasTrans : CblasNoTrans, Int32(byRows ? count : rows),
        Int32(byRows ? columns : count), Int32(depth), alpha, a + leftOffset, Int32(leftStride),
        b + rightOffset, Int32(rightStride), accumulates ? 1 : 0,
        c + (byRows ? first * columns : first), Int32(columns))
    }
  }
}
