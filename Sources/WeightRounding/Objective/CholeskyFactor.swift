import Parallelism

/// The upper triangular `R` with `H = R' R`, computed by tiles, so that all threads work and the
/// result does not depend on their number.
enum CholeskyFactor {
  private static let tile = 192

  /// Nil where `H`, of which the upper triangle is read, is not positive definite. `ridge` is added to its
  /// diagonal.
  static func upper(of matrix: Matrix, ridge: Float = 0, pool: WorkerPool) -> Matrix? {
    let size = matrix.rows
    let result = Matrix(rows: size, columns: size)
    for row in 0..<size {
      (result.row(row) + row).update(from: matrix.row(row) + row, count: size - row)
      result[row, row] += ridge
    }
    let tiles = stride(from: 0, to: size, by: tile).map { ($0, min(tile, size - $0)) }
    for (index, (first, count)) in tiles.enumerated() {
      guard Products.factor(result.row(first) + first, size, count: count) else { return nil }
      let rest = Array(tiles[(index + 1)...])
      pool.forEach(rest.count) { column in
        let (start, width) = rest[column]
        Products.solveLeftTransposed(
          result.row(first) + first, size, result.row(first) + start, size, m: count, n: width)
      }
      let pairs = rest.indices.flatMap { i in (i..<rest.count).map { (rest[i], rest[$0]) } }
      pool.forEach(pairs.count) { pair in
        let (rows, columns) = pairs[pair]
        Products.multiply(
          result.row(first) + rows.0, size, transposedA: true, result.row(first) + columns.0, size,
          into: result.row(rows.0) + columns.0, size, m: rows.1, n: columns.1, k: count,
          alpha: -1, beta: 1)
      }
    }
    guard (0..<size).allSatisfy({ result[$0, $0].isFinite && result[$0, $0] > 0 }) else {
      return nil
    }
    // What the products of tiles on the diagonal left below it.
    for row in 0..<size { result.row(row).update(repeating: 0, count: row) }
    return result
  }
}
