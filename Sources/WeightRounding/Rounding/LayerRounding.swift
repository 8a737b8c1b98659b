import Parallelism
import Quantization
import Tensors

/// Rounds one layer's weight for the inputs that its moments describe.
struct LayerRounding: Sendable {
  let layer: RoundingLayer
  /// One for each group.
  let objectives: [GroupObjective]
  /// The weights that are rounded, for each group `[rows, length]`, in the objectives' order.
  let targets: [Matrix]

  /// Where the moments know more of the outputs than their means, the weights may change so that outputs
  /// come closer to those.
  ///
  /// - Parameters:
  ///   - centered: the mean output error is taken back by a bias.
  ///   - dampingFactor: on the damping that the moments' columns call for.
  init(
    layer: RoundingLayer, moments: LayerMoments, centered: Bool, dampingFactor: Float,
    pool: WorkerPool
  ) {
    self.layer = layer
    let perGroup = layer.rows.count / moments.groups
    let length = moments.length
    let damping = Damping(length: length, columns: moments.count, factor: dampingFactor)
    var objectives = [GroupObjective?](repeating: nil, count: moments.groups)
    var targets = [Matrix?](repeating: nil, count: moments.groups)
    objectives.withUnsafeMutableBufferPointer { objectives in
      targets.withUnsafeMutableBufferPointer { targets in
        nonisolated(unsafe) let (objectives, targets) = (objectives, targets)
        pool.forEach(moments.groups) { group in
          let objective = GroupObjective(
            moment: moments.inputMoment(group: group, centered: centered, pool: pool),
            damping: damping.rounding, pool: pool)
          let weights = Matrix(rows: perGroup, columns: length)
          layer.rows.values.withElements(of: Float.self) { values in
            for row in 0..<perGroup {
              let source = (group * perGroup + row) * length
              for (index, input) in objective.order.enumerated() {
                weights[row, index] = values[source + input]
              }
            }
          }
          objectives[group] = objective
          targets[group] = objective.corrected(
            weights, by: moments, group: group, centered: centered, damping: damping.correction,
            pool: pool)
        }
      }
    }
    self.objectives = objectives.compactMap(\.self)
    self.targets = targets.compactMap(\.self)
  }

  /// The expected squared output of the weights that are rounded, damping included.
  func power(pool: WorkerPool) throws -> Double {
    try zip(objectives, targets).reduce(0) { sum, pair in
      let (objective, target) = pair
      let bands = Matrix.bands(of: target.rows)
      return try pool.map(bands.count) { task in
        objective.powers(of: target.row(bands[task].lowerBound), count: bands[task].count)
          .reduce(0) { $0 + Double($1) }
      }.reduce(sum, +)
    }
  }

  /// The integers at a width, and their cost: the expected squared error of the outputs, damping
  /// included. `learning`: steps of AdaRound on top of error feedback.
  func quantize(
    bits: Int, effort: RoundingEffort, learning: Int = 0, pool: WorkerPool
  ) -> (weight: QuantizedWeight, cost: Double) {
    let (perGroup, length) = (layer.rows.count / objectives.count, layer.rows.length)
    var results = [RoundedRows?](repeating: nil, count: objectives.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      pool.forEach(objectives.count) { group in
        let (objective, target) = (objectives[group], targets[group])
        let blocks = ScaleBlocks(layer.rows, order: objective.order)
        let part = perGroup * blocks.count
        let floors = BiasScale.floors(
          Array(layer.scaleFloors[group * part..<(group + 1) * part]), bits: bits)
        let solver = RowSolver(
          objective: objective, bits: bits, blocks: blocks,
          scaleFactors: bits > 6 ? [1] : effort.scaleFactors,
          rounds: bits > 6 ? min(effort.rounds, 1) : effort.rounds)
        let rows = solver.solve(
          target, scales: initialScales(target, objective, bits: bits, floors: floors, pool: pool),
          floors: floors, pool: pool)
        results[group] = LearnedRows(
          objective: objective, bits: bits, blocks: blocks, steps: learning
        ).refined(rows, target: target, pool: pool)
      }
    }
    var scales: [Float] = []
    var cost = 0.0
    let integers = Tensor(shape: [layer.rows.count, length]) {
      (buffer: UnsafeMutableBufferPointer<Int8>) in
      for (group, result) in results.enumerated() {
        guard let result else { continue }
        scales += result.scales
        cost += result.costs.reduce(0) { $0 + Double($1) }
        let order = objectives[group].order
        for row in 0..<perGroup {
          let target = (group * perGroup + row) * length
          for (index, input) in order.enumerated() {
            buffer[target + input] = result.integers[row * length + index]
          }
        }
      }
    }
    return (
      QuantizedWeight(
        integers: layer.rows.restored(integers), scales: scales, axis: layer.rows.axis, bits: bits,
        blocks: layer.rows.blocks),
      cost
    )
  }

  /// The scales of least squared error, weighted by the power of the inputs.
  private func initialScales(
    _ target: Matrix, _ objective: GroupObjective, bits: Int, floors: [Float], pool: WorkerPool
  ) -> [Float] {
    var importance = [Float](repeating: 0, count: target.columns)
    let ordered = Matrix(rows: target.rows, columns: target.columns)
    // Only what shares a scale with a part of the row has to stand together.
    let order = layer.rows.blocks > 1 ? objective.order : Array(0..<target.columns)
    for (column, entry) in order.enumerated() {
      importance[entry] = objective.hessian[column, column]
      for row in 0..<target.rows { ordered[row, entry] = target[row, column] }
    }
    let tensor = Tensor(ordered.elements, shape: [target.rows, target.columns])
    guard
      let rows = try? WeightRows(tensor, named: layer.weight, axis: 0, block: layer.rows.block)
    else { return floors }
    return WeightQuantizer(bits: bits).quantize(
      rows, importance: [importance], scaleFloors: floors, pool: pool
    ).scales
  }
}

extension GroupObjective {
  /// The weights that come closest to the outputs that the moments speak of.
  fileprivate func corrected(
    _ weights: Matrix, by moments: LayerMoments, group: Int, centered: Bool, damping: Float,
    pool: WorkerPool
  ) -> Matrix {
    switch moments.outputUse {
    case .means: return weights
    case .products:
      let cross = moments.crossMoment(group: group, centered: centered)
      return corrected(
        weights, cross: cross.permutingColumns(order), damping: damping, pool: pool)
    case .columns:
      let (columns, targets) = moments.columns(group: group, order: order, centered: centered)
      return corrected(
        weights, columns: columns, targets: targets, damping: damping, pool: pool)
    }
  }
}
