import Parallelism
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

@Suite struct ObjectiveTests {
  static let pool = WorkerPool(threadCount: 2)

  /// Columns, outputs and their moments the plain way.
  @Test(arguments: [(1, 5, 3), (2, 4, 6), (1, 200, 2), (3, 9, 3)])
  func momentsAreSums(groups: Int, length: Int, outputs: Int) {
    let count = 23
    let width = groups * length
    let columns = RowSolverTests.weights(count, width, state: 1)
    let targets = RowSolverTests.weights(count, outputs, state: 2)
    func empty(_ use: LayerMoments.OutputUse) -> LayerMoments {
      LayerMoments(groups: groups, length: length, outputs: outputs, outputUse: use)
    }
    var whole = empty(.products)
    var parts: [LayerMoments] = []
    for rows in [0..<10, 10..<23] {
      whole.add(columns: columns.copy(of: rows), targets: targets.copy(of: rows), pool: Self.pool)
      var part = empty(.means)
      part.add(columns: columns.copy(of: rows), targets: targets.copy(of: rows), pool: Self.pool)
      parts.append(part)
    }
    let moments = LayerMoments(merging: parts)
    #expect(moments.count == count && whole.count == count)
    func mean(_ term: (Int) -> Float) -> Float {
      (0..<count).reduce(0) { $0 + term($1) } / Float(count)
    }
    for group in 0..<groups {
      let found = moments.inputMoment(group: group, centered: true, pool: Self.pool)
      let same = whole.inputMoment(group: group, centered: true, pool: Self.pool)
      let cross = whole.crossMoment(group: group, centered: false)
      for i in 0..<length {
        let a = group * length + i
        let meanA = mean { columns[$0, a] }
        #expect(abs(moments.inputMeans[a] - meanA) < 1e-5)
        for j in 0..<length {
          let b = group * length + j
          let meanB = mean { columns[$0, b] }
          let expected = mean { (columns[$0, a] - meanA) * (columns[$0, b] - meanB) }
          #expect(abs(found[i, j] - expected) < 1e-4)
          #expect(abs(same[i, j] - expected) < 1e-4)
        }
        for row in 0..<outputs / groups {
          let expected = mean { targets[$0, group * (outputs / groups) + row] * columns[$0, a] }
          #expect(abs(cross[row, i] - expected) < 1e-4)
        }
      }
    }
    for output in 0..<outputs {
      let expected = mean { targets[$0, output] }
      #expect(abs(moments.outputMeans[output] - expected) < 1e-5)
      #expect(abs(whole.outputMeans[output] - expected) < 1e-5)
    }
  }

  /// The correction from columns is that from their products.
  @Test(arguments: [(1, 400, 5), (2, 90, 4), (1, 30, 1)], [true, false])
  func columnsCorrectAsTheirProductsDo(shape: (Int, Int, Int), centered: Bool) {
    let (groups, length, outputs) = shape
    let count = 29
    let columns = RowSolverTests.weights(count, groups * length, state: 1)
    let targets = RowSolverTests.weights(count, outputs, state: 2)
    for index in 0..<count {
      for entry in 0..<groups * length { columns[index, entry] += Float(entry % 3) }
      for entry in 0..<outputs { targets[index, entry] += 2 }
    }
    let moments = [LayerMoments.OutputUse.products, .columns].map { use in
      var moments = LayerMoments(
        groups: groups, length: length, outputs: outputs, outputUse: use)
      for rows in [0..<10, 10..<count] {
        moments.add(
          columns: columns.copy(of: rows), targets: targets.copy(of: rows), pool: Self.pool)
      }
      return moments
    }
    let weights = RowSolverTests.weights(outputs / groups, length, state: 3)
    for group in 0..<groups {
      let objective = GroupObjective(
        moment: moments[0].inputMoment(group: group, centered: centered, pool: Self.pool),
        damping: 0.2, pool: Self.pool)
      let cross = moments[0].crossMoment(group: group, centered: centered)
      let expected = objective.corrected(
        weights, cross: cross.permutingColumns(objective.order), damping: 0.7, pool: Self.pool)
      let (kept, wanted) = moments[1].columns(
        group: group, order: objective.order, centered: centered)
      let found = objective.corrected(
        weights, columns: kept, targets: wanted, damping: 0.7, pool: Self.pool)
      for (a, b) in zip(found.elements, expected.elements) { #expect(abs(a - b) < 1e-4) }
      let changed = zip(found.elements, weights.elements).map { abs($0 - $1) }.max() ?? 0
      #expect(changed > 0.01)
    }
  }

  @Test func powersAreQuadraticForms() {
    let objective = GroupObjective(
      moment: RowSolverTests.moment(37, state: 8), damping: 0.1, pool: Self.pool)
    let rows = RowSolverTests.weights(3, 37, state: 2)
    for (row, power) in objective.powers(of: rows.values, count: 3).enumerated() {
      let values = Array(UnsafeBufferPointer(start: rows.row(row), count: 37))
      let expected = RowSolverTests.cost(
        values, Array(repeating: 0, count: 37), 1, objective.hessian)
      #expect(abs(Double(power) - expected) < 1e-4 * expected)
    }
  }

  /// A variance of 1 beside a mean of 1000, after many columns.
  @Test func smallVariancesAreNotLost() {
    let (count, chunks) = (4096, 40)
    var generator = SplitMix64(seed: 1)
    var moments = LayerMoments(groups: 1, length: 2, outputs: 1, outputUse: .products)
    var (sums, product) = ([0.0, 0.0], 0.0)
    for _ in 0..<chunks {
      let columns = Matrix(rows: count, columns: 2)
      let targets = Matrix(rows: count, columns: 1)
      for index in 0..<count {
        let noise = Float(generator.normal())
        columns[index, 0] = 1000 + noise
        columns[index, 1] = 500 - noise + Float(generator.normal())
        targets[index, 0] = 3 * columns[index, 0]
        for entry in 0..<2 { sums[entry] += Double(columns[index, entry]) }
        product += (Double(columns[index, 0]) - 1000) * (Double(columns[index, 1]) - 500)
      }
      moments.add(columns: columns, targets: targets, pool: Self.pool)
    }
    let total = Double(count * chunks)
    for (found, sum) in zip(moments.inputMeans, sums) {
      #expect(abs(Double(found) - sum / total) < 1e-4)
    }
    let expected = product / total - (sums[0] / total - 1000) * (sums[1] / total - 500)
    let found = moments.inputMoment(group: 0, centered: true, pool: Self.pool)
    #expect(abs(Double(found[0, 1]) - expected) < 1e-3)
    #expect(
      abs(Double(moments.crossMoment(group: 0, centered: true)[0, 0] - 3 * found[0, 0])) < 0.01)
  }

  /// Outputs that another weight makes of the inputs: without damping that weight is found.
  @Test func correctionFindsTheWeightThatMakesTheOutputs() {
    let moment = RowSolverTests.moment(12, state: 8)
    let objective = GroupObjective(moment: moment, damping: 1e-5, pool: Self.pool)
    let wanted = RowSolverTests.weights(4, 12, state: 1)
    let cross = Matrix(rows: 4, columns: 12)
    Products.multiply(
      wanted.values, 12, moment.values, 12, into: cross.values, 12, m: 4, n: 12, k: 12)
    let start = RowSolverTests.weights(4, 12, state: 2)
    let found = objective.corrected(
      start.permutingColumns(objective.order), cross: cross.permutingColumns(objective.order),
      damping: 1e-5, pool: Self.pool)
    let expected = wanted.permutingColumns(objective.order)
    for (a, b) in zip(found.elements, expected.elements) { #expect(abs(a - b) < 0.02) }
  }

  @Test func dampingHoldsTheWeights() {
    let objective = GroupObjective(
      moment: RowSolverTests.moment(6, state: 8), damping: 0.1, pool: Self.pool)
    let start = RowSolverTests.weights(2, 6, state: 2)
    let found = objective.corrected(
      start, cross: RowSolverTests.weights(2, 6, state: 3), damping: 1e6, pool: Self.pool)
    for (a, b) in zip(found.elements, start.elements) { #expect(abs(a - b) < 1e-4) }
  }

  /// Many columns free both; few hold correction back more than rounding.
  @Test func dampingFollowsTheColumnsForEachWeight() {
    let (many, few) = (Damping(length: 9, columns: 9000), Damping(length: 384, columns: 192))
    #expect(many.rounding < few.rounding && few.rounding == Damping.mostRounding)
    #expect(many.correction < few.correction / 10 && few.correction > 10 * few.rounding)
    #expect(Damping(length: 384, columns: 192, factor: 2).correction == 2 * few.correction)
    #expect(Damping(length: 1, columns: 0).correction.isFinite)
  }

  @Test func inputsWithoutPowerStillGiveAnObjective() {
    let objective = GroupObjective(
      moment: Matrix(rows: 3, columns: 3), damping: 0.1, pool: Self.pool)
    #expect((0..<3).allSatisfy { objective.hessian[$0, $0] > 0 })
    let broken = Matrix([.nan, 0, 0, 1], rows: 2, columns: 2)
    let fallback = GroupObjective(moment: broken, damping: 0.1, pool: Self.pool)
    #expect(fallback.hessian.elements == [1, 0, 0, 1])
  }

  @Test func damageBetweenMeasuredWidthsIsInferred() throws {
    let curve = DamageCurve.completed([2: 1, 4: 0.01], bits: [2, 3, 4, 5, 8])
    #expect(curve[2] == 1 && curve[4] == 0.01)
    #expect(abs(try #require(curve[3]) - 0.1) < 1e-12)
    #expect(abs(try #require(curve[5]) - 0.0025) < 1e-12)
    #expect(abs(try #require(curve[8]) - 0.01 / 256) < 1e-12)
    // Noise must not make a wider weight look worse.
    #expect(DamageCurve.completed([2: 1, 3: 2], bits: [2, 3]) == [2: 1, 3: 1])
  }

  @Test(arguments: [1, 2, 3, 5, 16, 17])
  func everySampleIsHeldOnce(samples: Int) {
    let folds = SampleFolds(RoundingSamples(Array(repeating: [:], count: samples)), wanted: 4).folds
    #expect(folds.flatMap(\.held).sorted() == Array(0..<samples))
    for fold in folds where samples > 1 {
      #expect(Set(fold.held).isDisjoint(with: fold.training))
      #expect(fold.held.count + fold.training.count == samples)
    }
  }

  @Test func variantsOfWhatIsHeldAreNotRoundedOn() {
    let samples = RoundingSamples(
      Array(repeating: [:], count: 6),
      variants: Array(repeating: Array(repeating: [:], count: 6), count: 2))
    let split = SampleFolds(samples, wanted: 4)
    #expect(split.folds.flatMap(\.held).sorted() == Array(0..<6))
    #expect(split.parts.joined().sorted() == Array(0..<18))
    for (fold, part) in zip(split.folds, split.parts) {
      let held = Set(fold.held)
      #expect(fold.training.allSatisfy { !held.contains($0 % 6) })
      #expect(Set(part).isSuperset(of: held) && fold.training.count + part.count == 18)
    }
  }

  @Test func largeNetworksAreTriedLess() {
    let bits = [2, 3, 4, 5, 6, 8]
    let small = TrialExtent(effort: .balanced, bits: bits, layers: 20, samples: 16, macs: 1_000_000)
    #expect(small.widths == [2, 3, 4, 5] && small.folds == 4 && small.heldSamples == 4)
    #expect(small.randomPlans == 128)
    let large = TrialExtent(
      effort: .balanced, bits: bits, layers: 21, samples: 16, macs: 1_800_000_000)
    #expect(large.widths == [2, 4] && large.folds == 2 && large.planFolds == 1)
    #expect(large.heldSamples < 8 && large.randomPlans == 0)
    let middle = TrialExtent(
      effort: .balanced, bits: bits, layers: 20, samples: 16, macs: 100_000_000)
    #expect(middle.folds == 4 && middle.randomPlans == 20)
    let fast = TrialExtent(effort: .fast, bits: bits, layers: 20, samples: 16, macs: 1_000_000)
    #expect(fast.randomPlans == 0)
    let only = TrialExtent(effort: .balanced, bits: [6, 8], layers: 1, samples: 1, macs: 1)
    #expect(only.widths == [6])
  }
}

extension Matrix {
  /// Some of the rows as a matrix of their own.
  fileprivate func copy(of range: Range<Int>) -> Matrix {
    Matrix(
      Array(UnsafeBufferPointer(start: row(range.lowerBound), count: range.count * columns)),
      rows: range.count, columns: columns)
  }
}
