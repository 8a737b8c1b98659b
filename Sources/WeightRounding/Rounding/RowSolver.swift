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

  /// Enough that products with the moment are worth reading it, and that tasks keep all threads busy.
  private static func rowsPerTask(of rows: Int) -> Int { max(16, rows / 8) }

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
    let perTask = Self.rowsPerTask(of: rows)
    let tasks = Array(stride(from: 0, to: rows, by: perTask))
    result.integers.withUnsafeMutableBufferPointer { integers in
      result.scales.withUnsafeMutableBufferPointer { chosen in
        result.costs.withUnsafeMutableBufferPointer { costs in
          nonisolated(unsafe) let (integers, chosen, costs) = (integers, chosen, costs)
          pool.forEach(tasks.count) { task in
            guard let integers = integers.baseAddress, let chosen = chosen.baseAddress,
              let costs = costs.baseAddress
            else { return }
            let first = tasks[task]
            let count = min(perTask, rows - first)
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
  /// The best so far.
  let integers: UnsafeMutablePointer<Int8>
  let scales: UnsafeMutablePointer<Float>
  let costs: UnsafeMutablePointer<Float>

  private var length: Int { solver.objective.order.count }
  private var chosenScales: [Float] {
    Array(UnsafeBufferPointer(start: scales, count: floors.count))
  }

  func run() {
    let trial = Trial(count: count, length: length)
    let middle = chosenScales
    for factor in solver.scaleFactors {
      let tried = zip(middle, floors).map { max($0 * factor, $1) }
      keepBetter(trial, scales: tried, costs: feed(trial, scales: tried))
    }
    guard solver.rounds > 0 else { return }
    let pull = Matrix(rows: count, columns: length)
    multiply(by: weights, into: pull)
    adopt(trial)
    var tried = chosenScales
    for round in 0..<solver.rounds {
      keepBetter(trial, scales: tried, costs: descend(trial, scales: tried))
      guard round + 1 < solver.rounds else { break }
      adopt(trial)
      tried = fitted(trial, pull: pull)
      _ = feed(trial, scales: tried)
    }
  }

  private func multiply(by rows: UnsafePointer<Float>, into target: Matrix) {
    Products.multiply(
      rows, length, solver.objective.hessian.values, length, into: target.values, length,
      m: count, n: length, k: length)
  }

  /// Error feedback over all columns, block after block; what it costs each row.
  private func feed(_ trial: Trial, scales: [Float]) -> [Float] {
    let range = WeightRange.of(bits: solver.bits)
    let factor = solver.objective.factor
    let block = GroupObjective.block
    let scales = solver.blocks.spread(scales)
    var costs = [Float](repeating: 0, count: count)
    for first in stride(from: 0, to: length, by: block).reversed() {
      let size = min(block, length - first)
      let behind = first + size
      Products.multiply(
        trial.errors.values + behind, length, factor.row(first) + behind, length,
        transposedB: true, into: trial.pending.values, block, m: count, n: size,
        k: length - behind)
      for column in 0..<size {
        for row in 0...column {
          trial.columns.values[column * block + row] = factor[first + row, first + column]
        }
      }
      for row in 0..<count {
        costs[row] += fk_feedback_block(
          weights + row * length + first, size, trial.columns.values, block,
          scales.row(row) + first, Int32(range.lowerBound), Int32(range.upperBound),
          trial.pending.row(row), trial.integers + row * length + first,
          trial.errors.row(row) + first)
      }
    }
    return costs
  }

  /// Coordinate descent from the trial's integers; what they cost then.
  private func descend(_ trial: Trial, scales: [Float]) -> [Float] {
    multiply(by: trial.errors.values, into: trial.gradient)
    let scales = solver.blocks.spread(scales)
    return (0..<count).map { row in
      let (errors, gradient) = (trial.errors.row(row), trial.gradient.row(row))
      solver.objective.descend(
        trial.integers + row * length, scales: scales.row(row), bits: solver.bits,
        errors: errors, gradient: gradient)
      var cost: Float = 0
      for index in 0..<length { cost += errors[index] * gradient[index] }
      return max(cost, 0)
    }
  }

  private func keepBetter(_ trial: Trial, scales tried: [Float], costs found: [Float]) {
    let blocks = solver.blocks.count
    for row in 0..<count where found[row] < costs[row] {
      costs[row] = found[row]
      for place in row * blocks..<(row + 1) * blocks { scales[place] = tried[place] }
      (integers + row * length).update(from: trial.integers + row * length, count: length)
    }
  }

  /// Makes the best rows so far the trial's.
  private func adopt(_ trial: Trial) {
    trial.integers.update(from: integers, count: count * length)
    let scales = solver.blocks.spread(chosenScales)
    for index in 0..<count * length {
      trial.errors.values[index] = weights[index] - Float(integers[index]) * scales.values[index]
    }
  }

  /// Each row's scales times the factor of least squared error, `w' H r / r' H r` with `r` the rounded
  /// weights; `pull` is `w' H`.
  private func fitted(_ trial: Trial, pull: Matrix) -> [Float] {
    multiply(by: trial.errors.values, into: trial.gradient)
    let blocks = solver.blocks.count
    return (0..<count).flatMap { row in
      let (errors, gradient, pull) = (trial.errors.row(row), trial.gradient.row(row), pull.row(row))
      var (cross, power): (Float, Float) = (0, 0)
      for index in 0..<length {
        let weight = weights[row * length + index]
        // H times the rounded weights.
        let product = pull[index] - gradient[index]
        cross += weight * product
        power += (weight - errors[index]) * product
      }
      let ratio = cross / power
      let places = row * blocks..<(row + 1) * blocks
      guard ratio > 0.5, ratio < 2 else { return places.map { scales[$0] } }
      return places.map { max(scales[$0] * ratio, floors[$0]) }
    }
  }
}

/// Memory for rows while they are rounded.
private final class Trial {
  let integers: UnsafeMutablePointer<Int8>
  let errors: Matrix
  let gradient: Matrix
  let pending: Matrix
  let columns: Matrix

  init(count: Int, length: Int) {
    integers = .allocate(capacity: max(count * length, 1))
    integers.initialize(repeating: 0, count: max(count * length, 1))
    errors = Matrix(rows: count, columns: length)
    gradient = Matrix(rows: count, columns: length)
    pending = Matrix(rows: count, columns: GroupObjective.block)
    columns = Matrix(rows: GroupObjective.block, columns: GroupObjective.block)
  }

  deinit { integers.deallocate() }
}
