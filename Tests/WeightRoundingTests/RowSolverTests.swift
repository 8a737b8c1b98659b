import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

@Suite struct RowSolverTests {
  static let pool = WorkerPool(threadCount: 2)

  /// `E[x x']` of correlated inputs.
  static func moment(_ size: Int, state: UInt64, samples: Int = 400) -> Matrix {
    var generator = SeededGenerator(seed: state)
    let columns = Matrix(rows: samples, columns: size)
    for row in 0..<samples {
      let shared = Float.random(in: -1...1, using: &generator)
      for column in 0..<size {
        columns[row, column] = shared + 0.5 * Float.random(in: -1...1, using: &generator)
      }
    }
    let result = Matrix(rows: size, columns: size)
    Products.multiply(
      columns.values, size, transposedA: true, columns.values, size, into: result.values, size,
      m: size, n: size, k: samples, alpha: 1 / Float(samples))
    return result
  }

  static func weights(_ rows: Int, _ columns: Int, state: UInt64) -> Matrix {
    var generator = SeededGenerator(seed: state)
    return Matrix(
      (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) }, rows: rows,
      columns: columns)
  }

  /// `(w - scale q)' H (w - scale q)`.
  static func cost(_ w: [Float], _ q: [Int8], _ scale: Float, _ hessian: Matrix) -> Double {
    let errors = zip(w, q).map { Double($0) - Double(scale) * Double($1) }
    var sum = 0.0
    for (i, a) in errors.enumerated() {
      for (j, b) in errors.enumerated() { sum += a * b * Double(hessian[i, j]) }
    }
    return sum
  }

  static func nearest(_ w: [Float], _ scale: Float, bits: Int) -> [Int8] {
    let range = WeightRange.of(bits: bits)
    return w.map { value in
      let rounded = Int((value / scale).rounded(.toNearestOrEven))
      return Int8(min(max(rounded, range.lowerBound), range.upperBound))
    }
  }

  /// Rows whose parts differ in size: with a scale for each part they cost what their integers say, and
  /// less than with one for all.
  @Test func blocksHaveScalesOfTheirOwn() throws {
    let (count, length, block) = (18, 192, 64)
    let objective = GroupObjective(
      moment: Self.moment(length, state: 4), damping: 0.01, pool: Self.pool)
    let source = Self.weights(count, length, state: 2)
    for row in 0..<count {
      for entry in 0..<length { source[row, entry] *= [1, 0.1, 0.02][entry / block] }
    }
    let rows = try WeightRows(
      Tensor(source.elements, shape: [count, length]), named: "w", axis: 0, block: block)
    let weights = source.permutingColumns(objective.order)
    let blocks = ScaleBlocks(rows, order: objective.order)
    let scales = (0..<count * 3).map { [0.13, 0.013, 0.0026][$0 % 3] as Float }
    let solved = RowSolver(
      objective: objective, bits: 4, blocks: blocks, scaleFactors: [1, 0.8], rounds: 3
    ).solve(weights, scales: scales, floors: scales.map { $0 * 0.1 }, pool: Self.pool)
    let whole = RowSolver(objective: objective, bits: 4, scaleFactors: [1, 0.8], rounds: 3)
      .solve(
        weights, scales: Array(repeating: 0.13, count: count),
        floors: Array(repeating: 0.01, count: count), pool: Self.pool)
    for row in 0..<count {
      var errors: [Float] = []
      for column in 0..<length {
        let scale = solved.scales[row * 3 + objective.order[column] / block]
        errors.append(weights[row, column] - Float(solved.integers[row * length + column]) * scale)
      }
      let cost = Self.cost(
        errors, Array(repeating: 0, count: length), 1, objective.hessian)
      #expect(abs(cost - Double(solved.costs[row])) < 1e-3 * cost + 1e-7)
    }
    #expect(solved.costs.reduce(0, +) < 0.8 * whole.costs.reduce(0, +))
  }

  @Test(arguments: [2, 3, 4, 6, 8], [1, 7, 129, 300])
  func costsAreWhatTheIntegersSayAndNeverAboveNearest(bits: Int, length: Int) throws {
    let objective = GroupObjective(
      moment: Self.moment(length, state: 3), damping: 0.01, pool: Self.pool)
    let weights = Self.weights(19, length, state: UInt64(bits))
    let scale = 1 / Float(1 << (bits - 1))
    let scales = [Float](repeating: scale, count: 19)
    for rounds in [0, 3] {
      let solver = RowSolver(objective: objective, bits: bits, scaleFactors: [1], rounds: rounds)
      let solved = solver.solve(
        weights, scales: scales, floors: scales.map { $0 * 0.1 }, pool: Self.pool)
      var (total, plain) = (0.0, 0.0)
      for row in 0..<19 {
        let values = Array(UnsafeBufferPointer(start: weights.row(row), count: length))
        let integers = Array(solved.integers[row * length..<(row + 1) * length])
        let range = WeightRange.of(bits: bits)
        #expect(integers.allSatisfy { range.contains(Int($0)) })
        let cost = Self.cost(values, integers, solved.scales[row], objective.hessian)
        #expect(abs(cost - Double(solved.costs[row])) < 1e-3 * cost + 1e-6)
        total += cost
        plain += Self.cost(
          values, Self.nearest(values, scale, bits: bits), scale, objective.hessian)
      }
      #expect(total <= plain * 1.0001)
      if length > 7, bits < 8 { #expect(total < 0.8 * plain) }
    }
  }

  /// Longer than where scales are chosen by errors within blocks: from scales twice too large.
  @Test func longRowsFindTheirScales() {
    let (count, length) = (17, 700)
    let objective = GroupObjective(
      moment: Self.moment(length, state: 5), damping: 0.1, pool: Self.pool)
    let weights = Self.weights(count, length, state: 6)
    let scales = [Float](repeating: 0.4, count: count)
    func solved(_ factors: [Float], rounds: Int) -> RoundedRows {
      RowSolver(objective: objective, bits: 3, scaleFactors: factors, rounds: rounds)
        .solve(weights, scales: scales, floors: scales.map { $0 * 0.01 }, pool: Self.pool)
    }
    let given = solved([1], rounds: 0)
    for rounds in [0, 3] {
      let found = solved([1, 0.5, 0.7, 1.25], rounds: rounds)
      for row in 0..<count {
        let cost = Self.cost(
          Array(UnsafeBufferPointer(start: weights.row(row), count: length)),
          Array(found.integers[row * length..<(row + 1) * length]), found.scales[row],
          objective.hessian)
        #expect(abs(cost - Double(found.costs[row])) < 1e-3 * cost)
        #expect(found.costs[row] < 0.6 * given.costs[row])
      }
    }
  }

  /// All 4^5 rows of integers.
  @Test(arguments: 0..<12)
  func twoBitRowsAreCloseToTheBest(state: Int) {
    let objective = GroupObjective(
      moment: Self.moment(5, state: UInt64(state)), damping: 0.01, pool: Self.pool)
    let weights = Self.weights(1, 5, state: UInt64(100 + state))
    let solved = RowSolver(objective: objective, bits: 2, scaleFactors: [1], rounds: 1)
      .solve(weights, scales: [0.5], floors: [0.1], pool: Self.pool)
    let values = weights.elements
    var best = Double.infinity
    for code in 0..<1024 {
      let integers = (0..<5).map { Int8((code >> (2 * $0)) & 3) - 2 }
      best = min(best, Self.cost(values, integers, solved.scales[0], objective.hessian))
    }
    #expect(Double(solved.costs[0]) >= best * 0.9999)
    #expect(Double(solved.costs[0]) <= best * 2 + 1e-6)
  }

  @Test func inputsWithoutCorrelationAreRoundedToTheNearest() {
    let moment = Matrix(rows: 40, columns: 40)
    for index in 0..<40 { moment[index, index] = 1 + Float(index) }
    let objective = GroupObjective(moment: moment, damping: 0, pool: Self.pool)
    let weights = Self.weights(3, 40, state: 9)
    let solved = RowSolver(objective: objective, bits: 4, scaleFactors: [1], rounds: 1)
      .solve(weights, scales: [0.1, 0.13, 0.2], floors: [0, 0, 0], pool: Self.pool)
    for row in 0..<3 {
      let values = Array(UnsafeBufferPointer(start: weights.row(row), count: 40))
      #expect(
        Array(solved.integers[row * 40..<(row + 1) * 40])
          == Self.nearest(values, solved.scales[row], bits: 4))
    }
  }

  @Test func threadsDoNotChangeIntegers() {
    let moment = Self.moment(150, state: 1)
    let weights = Self.weights(70, 150, state: 2)
    let results = [1, 2, 3].map { threads in
      let pool = WorkerPool(threadCount: threads)
      return RowSolver(
        objective: GroupObjective(moment: moment, damping: 0.1, pool: pool), bits: 3,
        scaleFactors: [1, 0.8, 1.2], rounds: 3
      ).solve(
        weights, scales: Array(repeating: 0.3, count: 70), floors: Array(repeating: 0, count: 70),
        pool: pool
      ).integers
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func scalesStayAboveTheirFloors() {
    let objective = GroupObjective(
      moment: Self.moment(30, state: 4), damping: 0.1, pool: Self.pool)
    let solved = RowSolver(objective: objective, bits: 4, scaleFactors: [1, 0.5], rounds: 3)
      .solve(
        Self.weights(8, 30, state: 5), scales: Array(repeating: 0.1, count: 8),
        floors: Array(repeating: 0.4, count: 8), pool: Self.pool)
    #expect(solved.scales.allSatisfy { $0 >= 0.4 })
  }
}
