import Parallelism

/// A row-major float matrix whose parts several threads write in turn.
///
/// `Sendable` because tasks write disjoint parts and are joined before anyone reads.
final class Matrix: @unchecked Sendable {
  let rows: Int
  let columns: Int
  let values: UnsafeMutablePointer<Float>

  /// Whatever the memory holds, to be written first.
  init(unfilledRows rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    values = .allocate(capacity: max(rows * columns, 1))
  }

  /// All zeros.
  convenience init(rows: Int, columns: Int) {
    self.init(unfilledRows: rows, columns: columns)
    values.initialize(repeating: 0, count: max(rows * columns, 1))
  }

  convenience init(_ elements: [Float], rows: Int, columns: Int) {
    precondition(elements.count == rows * columns)
    self.init(rows: rows, columns: columns)
    for (index, element) in elements.enumerated() { values[index] = element }
  }

  deinit { values.deallocate() }

  /// Tiles along one side of a product of which each is a task: as large as they stay fast for, and
  /// several where the product is small.
  static func tiles(of size: Int) -> [Range<Int>] {
    let tile = min(max(size / 4, 64), 384)
    return stride(from: 0, to: size, by: tile).map { $0..<min($0 + tile, size) }
  }

  /// Tiles that cover the upper triangle of a square matrix.
  static func upperTiles(of size: Int) -> [(rows: Range<Int>, columns: Range<Int>)] {
    let tiles = tiles(of: size)
    return tiles.indices.flatMap { row in tiles[row...].map { (tiles[row], $0) } }
  }

  /// Rows for a task each of a product: enough that the other operand is worth reading, and tasks that
  /// keep all threads busy.
  static func bands(of rows: Int) -> [Range<Int>] {
    let size = max(16, rows / 8)
    return stride(from: 0, to: rows, by: size).map { $0..<min($0 + size, rows) }
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { values + index * columns }

  subscript(row: Int, column: Int) -> Float {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  func add(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns)
    for index in 0..<rows * columns { values[index] += other.values[index] }
  }

  var elements: [Float] { Array(UnsafeBufferPointer(start: values, count: rows * columns)) }

  /// The same rows with columns chosen and ordered anew: column `i` is what was column `order[i]`.
  func permutingColumns(_ order: [Int]) -> Matrix {
    let result = Matrix(unfilledRows: rows, columns: order.count)
    for row in 0..<rows {
      let (source, target) = (self.row(row), result.row(row))
      for (index, original) in order.enumerated() { target[index] = source[original] }
    }
    return result
  }

  /// Rows and columns of a square matrix under another order.
  func permutingBoth(_ order: [Int], pool: WorkerPool) -> Matrix {
    let result = Matrix(rows: rows, columns: columns)
    pool.forEach(order.count) { index in
      let (source, target) = (row(order[index]), result.row(index))
      for (column, from) in order.enumerated() { target[column] = source[from] }
    }
    return result
  }

  /// Copies the upper triangle of a square matrix to the lower one.
  func mirrorUpperTriangle(pool: WorkerPool) {
    let tile = 64
    let starts = Array(stride(from: 0, to: rows, by: tile))
    pool.forEach(starts.count) { index in
      let band = starts[index]..<min(starts[index] + tile, rows)
      for first in starts[...index] {
        for row in band {
          let target = self.row(row)
          for column in first..<min(first + tile, row) { target[column] = self[column, row] }
        }
      }
    }
  }
}
