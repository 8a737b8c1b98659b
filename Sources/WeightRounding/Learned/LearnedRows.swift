import Parallelism
import Quantization

/// AdaRound on the quadratic objective `(w - scale q)' H (w - scale q)`: every step takes its full
/// gradient, one product with `H`. Starts from rows that are rounded already and never gives worse ones.
struct LearnedRows: Sendable {
  let objective: GroupObjective
  let bits: Int
  let blocks: ScaleBlocks
  let steps: Int

  private static let rowsPerTask = 64

  /// With one scale for each row where `blocks` is left out.
  init(objective: GroupObjective, bits: Int, blocks: ScaleBlocks? = nil, steps: Int) {
    self.objective = objective
    self.bits = bits
    self.blocks = blocks ?? ScaleBlocks(length: objective.order.count)
    self.steps = steps
  }

  func refined(_ rows: RoundedRows, target: Matrix, pool: WorkerPool) -> RoundedRows {
    guard steps > 0 else { return rows }
    let length = target.columns
    let tasks = Array(stride(from: 0, to: target.rows, by: Self.rowsPerTask))
    var results = [[Int8]](repeating: [], count: tasks.count)
    var costs = [[Float]](repeating: [], count: tasks.count)
    results.withUnsafeMutableBufferPointer { results in
      costs.withUnsafeMutableBufferPointer { costs in
        nonisolated(unsafe) let (results, costs) = (results, costs)
        pool.forEach(tasks.count) { task in
          let range = tasks[task]..<min(tasks[task] + Self.rowsPerTask, target.rows)
          (results[task], costs[task]) = learn(rows, range, target: target)
        }
      }
    }
    var refined = rows
    for (row, cost) in costs.joined().enumerated() where cost < rows.costs[row] {
      let (task, place) = (row / Self.rowsPerTask, row % Self.rowsPerTask)
      refined.costs[row] = cost
      refined.integers.replaceSubrange(
        row * length..<(row + 1) * length,
        with: results[task][place * length..<(place + 1) * length])
    }
    return refined
  }

  private func learn(
    _ rows: RoundedRows, _ range: Range<Int>, target: Matrix
  ) -> (integers: [Int8], costs: [Float]) {
    let (count, length) = (range.count, target.columns)
    let scales = blocks.spread(
      Array(rows.scales[range.lowerBound * blocks.count..<range.upperBound * blocks.count]))
    let weights = (0..<count * length).map { target.row(range.lowerBound)[$0] }
    let limits = WeightRange.of(bits: bits)
    var soft = SoftRounding(
      weights: weights, scales: scales.elements,
      integers: Array(rows.integers[range.lowerBound * length..<range.upperBound * length]),
      range: Int(limits.lowerBound)...Int(limits.upperBound), steps: steps)
    let errors = Matrix(rows: count, columns: length)
    let product = Matrix(rows: count, columns: length)
    for _ in 0..<steps {
      for index in 0..<count * length {
        errors.values[index] =
          weights[index] / scales.values[index] - soft.lower[index] - soft.shares[index]
      }
      multiply(errors, into: product)
      soft.descend((0..<count * length).map { -product.values[$0] })
    }
    let integers = descended(soft.integers, weights: weights, scales: scales, errors, product)
    let costs = (0..<count).map { row in
      var cost: Float = 0
      for index in 0..<length { cost += errors[row, index] * product[row, index] }
      return max(cost, 0)
    }
    return (integers, costs)
  }

  /// Coordinate descent from the learned integers; leaves errors and their products with `H`.
  private func descended(
    _ integers: [Int8], weights: [Float], scales: Matrix, _ errors: Matrix, _ product: Matrix
  ) -> [Int8] {
    var integers = integers
    let length = errors.columns
    for index in integers.indices {
      errors.values[index] = weights[index] - Float(integers[index]) * scales.values[index]
    }
    multiply(errors, into: product)
    integers.withUnsafeMutableBufferPointer { integers in
      guard let base = integers.baseAddress else { return }
      for row in 0..<scales.rows {
        objective.descend(
          base + row * length, scales: scales.row(row), bits: bits, errors: errors.row(row),
          gradient: product.row(row))
      }
    }
    return integers
  }

  private func multiply(_ errors: Matrix, into product: Matrix) {
    Products.multiply(
      errors.values, errors.columns, objective.hessian.values, errors.columns,
      into: product.values, errors.columns, m: errors.rows, n: errors.columns, k: errors.columns)
  }
}
