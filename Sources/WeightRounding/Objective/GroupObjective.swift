import CFloatKernels
import Parallelism
import Quantization

/// The damped second moment of the inputs of a group, `H + damping * mean(diag H) * I`, its columns
/// in rising order of power, with its Cholesky factor.
///
/// Rounding runs from the last column to the first, so that inputs of large power come first
/// ("act-order" of GPTQ, Frantar et al. 2023) and their error is taken over by the others.
struct GroupObjective: Sendable {
  /// `order[i]` is the input that column `i` belongs to.
  let order: [Int]
  let hessian: Matrix
  let factor: Matrix
  /// Mean of the diagonal before it was damped, and what was added to it.
  private let power: Float
  private let ridge: Float

  /// Columns that are rounded before their error is spread to the rest.
  static let block = 128

  init(moment: Matrix, damping: Float, pool: WorkerPool) {
    let size = moment.rows
    let diagonal = (0..<size).map { moment[$0, $0] }
    power = max(diagonal.reduce(0, +) / Float(max(size, 1)), .leastNormalMagnitude)
    order = diagonal.indices.sorted { (diagonal[$0], $1) < (diagonal[$1], $0) }
    let permuted = moment.permutingBoth(order, pool: pool)
    var added: Float = 0
    var ridge = max(damping * power, 1e-30)
    var factor: Matrix?
    while factor == nil {
      for index in 0..<size { permuted[index, index] += ridge - added }
      added = ridge
      factor = CholeskyFactor.upper(of: permuted, pool: pool)
      if factor == nil { ridge *= 10 }
      // Not a number somewhere: treat all inputs alike.
      if !ridge.isFinite { break }
    }
    if let factor {
      hessian = permuted
      self.factor = factor
      self.ridge = ridge
    } else {
      hessian = Matrix(rows: size, columns: size)
      for index in 0..<size { hessian[index, index] = 1 }
      self.factor = hessian
      self.ridge = 1
    }
  }

  /// Coordinate descent of a row of integers from where it is, each with its scale; `errors`, the
  /// weights less what the integers give, and their product with the moment, `gradient`, follow.
  func descend(
    _ integers: UnsafeMutablePointer<Int8>, scales: UnsafePointer<Float>, bits: Int,
    errors: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) {
    let range = WeightRange.of(bits: bits)
    _ = fk_descend_row(
      hessian.values, order.count, scales, Int32(range.lowerBound), Int32(range.upperBound), 8,
      integers, errors, gradient)
  }

  /// `w' H w` of `count` rows `w`, inputs in this objective's order.
  func powers(of rows: UnsafePointer<Float>, count: Int) -> [Float] {
    let size = order.count
    let products = Matrix(unfilledRows: count, columns: size)
    products.values.update(from: rows, count: count * size)
    Products.multiplyRight(
      factor.values, size, transposed: true, products.values, size, m: count, n: size)
    return (0..<count).map { row in
      var sum: Float = 0
      for index in 0..<size { sum += products[row, index] * products[row, index] }
      return sum
    }
  }

  /// The weights that come closest to `cross = E[y x']`, held near `weights` by a ridge:
  /// `W + (E[y x'] - W E[x x']) inverse(E[x x'] + damping * mean(diag) * I)`. Both with inputs in this
  /// objective's order.
  func corrected(_ weights: Matrix, cross: Matrix, damping: Float, pool: WorkerPool) -> Matrix {
    let size = weights.columns
    guard
      let factor = CholeskyFactor.upper(of: hessian, ridge: damping * power - ridge, pool: pool)
    else { return weights }
    let result = Matrix(rows: weights.rows, columns: size)
    let bands = Matrix.bands(of: weights.rows)
    pool.forEach(bands.count) { task in
      let (first, count) = (bands[task].lowerBound, bands[task].count)
      let target = result.row(first)
      Products.multiply(
        weights.row(first), size, hessian.values, size, into: target, size, m: count, n: size,
        k: size)
      let (known, wanted) = (weights.row(first), cross.row(first))
      for index in 0..<count * size {
        target[index] = wanted[index] - (target[index] - ridge * known[index])
      }
      Products.solveRight(factor.values, size, target, size, m: count, n: size)
      for index in 0..<count * size { target[index] += known[index] }
    }
    return result
  }

  /// The same from fewer columns than weights of a row, `columns` of `[count, inputs]` and `targets` of
  /// `[outputs, count]`, where the factorization of their products with each other is the smaller one:
  /// `W + (Y' - W X') inverse(X X' + count * damping * mean(diag) * I) X`.
  func corrected(
    _ weights: Matrix, columns: Matrix, targets: Matrix, damping: Float, pool: WorkerPool
  ) -> Matrix {
    let (count, size) = (columns.rows, columns.columns)
    let products = Matrix(rows: count, columns: count)
    let tiles = Matrix.upperTiles(of: count)
    pool.forEach(tiles.count) { task in
      let (rows, others) = tiles[task]
      Products.multiply(
        columns.row(rows.lowerBound), size, columns.row(others.lowerBound), size,
        transposedB: true, into: products.row(rows.lowerBound) + others.lowerBound, count,
        m: rows.count, n: others.count, k: size)
    }
    guard
      let factor = CholeskyFactor.upper(
        of: products, ridge: Float(count) * damping * power, pool: pool)
    else { return weights }
    let result = Matrix(rows: weights.rows, columns: size)
    let bands = Matrix.bands(of: weights.rows)
    pool.forEach(bands.count) { task in
      let (first, rows) = (bands[task].lowerBound, bands[task].count)
      let (missed, target) = (targets.row(first), result.row(first))
      Products.multiply(
        weights.row(first), size, columns.values, size, transposedB: true, into: missed, count,
        m: rows, n: count, k: size, alpha: -1, beta: 1)
      Products.solveRight(factor.values, count, missed, count, m: rows, n: count)
      target.update(from: weights.row(first), count: rows * size)
      Products.multiply(
        missed, count, columns.values, size, into: target, size, m: rows, n: size, k: count,
        beta: 1)
    }
    return result
  }
}
