import CFloatKernels
import Parallelism
import Quantization

/// Integers of small `(w - scale q)' H (w - scale q)` for rows that share `H`: error feedback
/// (GPTQ in the form of Babai's nearest plane), coordinate descent, and scales fitted in between.
struct RowSolver: Sendable {
  let objective: GroupObjective
  let bits: Int
  /// Of the rows' scales, in the objective's order.
  let blocks: ScaleBlocks
  let scaleFactors: [Float]
  let rounds: Int

  /// With one scale for each row where `blocks` is left out.
  init(
    objective: GroupObjective, bits: Int, blocks: ScaleBlocks? = nil, scaleFactors: [Float],
    rounds: Int
  ) {
    self.objective = objective
    self.bits = bits
    self.blocks = blocks ?? ScaleBlocks(length: objective.order.count)
    self.scaleFactors = scaleFactors
    self.rounds = rounds
  }

  /// Rounds the rows of `weights`, inputs in the order of the objective. `scales`, `[rows, blocks]`, are
  /// the middle of the search, `floors` the smallest allowed.
  func solve(
    _ weights: Matrix, scales: [Float], floors: [Float], pool: WorkerPool
  ) -> RoundedRows {
    let (rows, length) = (weights.rows, weights.columns)
    var result = RoundedRows(
      integers: [Int8](repeating: 0, count: rows * length), scales: scales,
      costs: [Float](repeating: .infinity, count: rows))
    let bands = Matrix.bands(of: rows)
    result.integers.withUnsafeMutableBufferPointer { integers in
      result.scales.withUnsafeMutableBufferPointer { chosen in
        result.costs.withUnsafeMutableBufferPointer { costs in
          nonisolated(unsafe) let (integers, chosen, costs) = (integers, chosen, costs)
          pool.forEach(bands.count) { task in
            guard let integers = integers.baseAddress, let chosen = chosen.baseAddress,
              let costs = costs.baseAddress
            else { return }
            let (first, count) = (bands[task].lowerBound, bands[task].count)
            RowBatch(
              solver: self, weights: weights.row(first), count: count,
              floors: Array(floors[first * blocks.count..<(first + count) * blocks.count]),
              integers: integers + first * length, scales: chosen + first * blocks.count,
              costs: costs + first
            ).run()
          }
        }
      }
    }
    return result
  }
}

/// A few rows that are rounded together, so that error moves between blocks by matrix products.
private struct RowBatch {
  let solver: RowSolver
  let weights: UnsafePointer<Float>
  let count: Int
  let floors: [Float]
  /// Of the best rows, in the end.
  let integers: UnsafeMutablePointer<Int8>
  let scales: UnsafeMutablePointer<Float>
  let costs: UnsafeMutablePointer<Float>

  /// Longer rows choose between scales by errors that stay within blocks: over so many blocks that says
  /// the same, without products.
  private static let longRow = 4 * GroupObjective.block

  private var objective: GroupObjective { solver.objective }
  private var length: Int { objective.order.count }

  func run() {
    let middle = Array(UnsafeBufferPointer(start: scales, count: floors.count))
    let best = Trial(count: count, length: length, scales: middle)
    let trial = Trial(count: count, length: length, scales: middle)
    let choosesWithinBlocks = solver.scaleFactors.count > 1 && length > Self.longRow
    for factor in solver.scaleFactors {
      trial.scales = zip(middle, floors).map { max($0 * factor, $1) }
      feed(trial, acrossBlocks: !choosesWithinBlocks)
      best.keepBetter(of: trial)
    }
    if choosesWithinBlocks { feed(best) }
    if solver.rounds > 0 { descend(best) }
    if solver.rounds > 1 {
      let powers = objective.powers(of: weights, count: count)
      for _ in 1..<solver.rounds {
        trial.scales = fitted(best, powers: powers)
        feed(trial)
        descend(trial)
        best.keepBetter(of: trial)
      }
    }
    integers.update(from: best.integers, count: count * length)
    for (index, scale) in best.scales.enumerated() { scales[index] = scale }
    for (row, cost) in best.costs.enumerated() { costs[row] = cost }
  }

  /// Error feedback over all columns, block after block. Leaves `R e` in the trial's products, for
  /// the factor `R` of the moment, or of its blocks where errors stay within them.
  private func feed(_ trial: Trial, acrossBlocks: Bool = true) {
    let range = WeightRange.of(bits: solver.bits)
    let factor = objective.factor
    let block = GroupObjective.block
    let scales = solver.blocks.spread(trial.scales)
    let columns = Matrix(unfilledRows: block, columns: block)
    trial.costs = [Float](repeating: 0, count: count)
    for first in stride(from: 0, to: length, by: block).reversed() {
      let size = min(block, length - first)
      let behind = first + size
      Products.multiply(
        trial.errors.values + behind, length, factor.row(first) + behind, length,
        transposedB: true, into: trial.products.values + first, length, m: count, n: size,
        k: acrossBlocks ? length - behind : 0)
      for column in 0..<size {
        for row in 0...column {
          columns.values[column * block + row] = factor[first + row, first + column]
        }
      }
      trial.costs.withUnsafeMutableBufferPointer { costs in
        fk_feedback_block(
          count, length, weights + first, size, columns.values, block, scales.values + first,
          Int32(range.lowerBound), Int32(range.upperBound), trial.products.values + first,
          trial.integers + first, trial.errors.values + first, costs.baseAddress)
      }
    }
  }

  /// Coordinate descent from what feedback left. Leaves `H e` in the trial's products.
  private func descend(_ trial: Trial) {
    let (errors, gradients) = (trial.errors, trial.products)
    Products.multiplyRight(
      objective.factor.values, length, transposed: false, gradients.values, length, m: count,
      n: length)
    let scales = solver.blocks.spread(trial.scales)
    for row in 0..<count where trial.costs[row].isFinite {
      objective.descend(
        trial.integers + row * length, scales: scales.row(row), bits: solver.bits,
        errors: errors.row(row), gradient: gradients.row(row))
      trial.costs[row] = max(dot(errors.row(row), gradients.row(row)), 0)
    }
  }

  /// Each row's scales times the factor of least squared error, `w' H r / r' H r` with `r = w - e` the
  /// rounded weights, after descent; `powers` are `w' H w`.
  private func fitted(_ trial: Trial, powers: [Float]) -> [Float] {
    let blocks = solver.blocks.count
    return (0..<count).flatMap { row in
      let missed = dot(weights + row * length, trial.products.row(row))
      let cross = powers[row] - missed
      let ratio = cross / (cross - missed + trial.costs[row])
      let places = row * blocks..<(row + 1) * blocks
      guard ratio > 0.5, ratio < 2 else { return places.map { trial.scales[$0] } }
      return places.map { max(trial.scales[$0] * ratio, floors[$0]) }
    }
  }

  private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>) -> Float {
    var sum: Float = 0
    for index in 0..<length { sum += a[index] * b[index] }
    return sum
  }
}

/// Rows with the integers that they have been given.
private final class Trial {
  let integers: UnsafeMutablePointer<Int8>
  /// The weights less what the integers give, `e`.
  let errors: Matrix
  /// `R e` after feedback, `H e` after descent.
  let products: Matrix
  /// `[rows, blocks]`.
  var scales: [Float]
  var costs: [Float]

  private let length: Int

  init(count: Int, length: Int, scales: [Float]) {
    self.length = length
    self.scales = scales
    integers = .allocate(capacity: max(count * length, 1))
    integers.initialize(repeating: 0, count: max(count * length, 1))
    errors = Matrix(rows: count, columns: length)
    products = Matrix(rows: count, columns: length)
    costs = [Float](repeating: .infinity, count: count)
  }

  deinit { integers.deallocate() }

  /// Takes over the rows that cost less in another trial.
  func keepBetter(of other: Trial) {
    let blocks = scales.count / max(costs.count, 1)
    for row in costs.indices where other.costs[row] < costs[row] {
      costs[row] = other.costs[row]
      for place in row * blocks..<(row + 1) * blocks { scales[place] = other.scales[place] }
      (integers + row * length).update(from: other.integers + row * length, count: length)
      errors.row(row).update(from: other.errors.row(row), count: length)
      products.row(row).update(from: other.products.row(row), count: length)
    }
  }
}
