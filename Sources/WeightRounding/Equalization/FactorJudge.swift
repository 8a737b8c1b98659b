import Parallelism
import Quantization
import Tensors

/// What rounding its weights costs a layer's output once its input channels are divided by factors
/// and its weights multiplied. Errors make up for each other within parts of a row, which is enough to
/// compare factors.
struct FactorJudge {
  /// `E[x x']` before, of the windows that the layer reads.
  let moment: Matrix
  let channels: Int
  let damping: Float
  let pool: WorkerPool

  /// Weights of a channel in a row.
  private var taps: Int { moment.rows / channels }

  /// Mean square of each channel, summed over its places in the window.
  var powers: [Float] {
    (0..<channels).map { channel in
      (0..<taps).reduce(0) { $0 + moment[channel * taps + $1, channel * taps + $1] }
    }
  }

  func cost(_ layer: RoundingLayer, factors: [Float], bits: Int) throws -> Double {
    let (rows, length) = (layer.rows.count, layer.rows.length)
    let weights = Matrix(unfilledRows: rows, columns: length)
    layer.rows.values.withElements(of: Float.self) { values in
      for row in 0..<rows {
        for input in 0..<length {
          weights[row, input] = values[row * length + input] * factors[input / taps]
        }
      }
    }
    let parts = stride(from: 0, to: length, by: part).map { $0..<min($0 + part, length) }
    let objectives = try pool.map(parts.count) { task in
      GroupObjective(moment: scaled(parts[task], by: factors), damping: damping, pool: pool)
    }
    var importance = [Float](repeating: 0, count: length)
    for (range, objective) in zip(parts, objectives) {
      for (index, input) in objective.order.enumerated() {
        importance[range.lowerBound + input] = objective.hessian[index, index]
      }
    }
    let tensor = Tensor(weights.elements, shape: [rows, length])
    let floors = [Float](repeating: WeightQuantizer.smallestScale, count: rows)
    let scales = WeightQuantizer(bits: bits).quantize(
      try WeightRows(tensor, named: layer.weight, axis: 0), importance: [importance], pool: pool
    ).scales
    return zip(parts, objectives).reduce(0) { sum, entry in
      let (range, objective) = entry
      return RowSolver(objective: objective, bits: bits, scaleFactors: [1], rounds: 0)
        .solve(
          weights.permutingColumns(objective.order.map { range.lowerBound + $0 }),
          scales: scales, floors: floors, pool: pool
        ).costs.reduce(sum) { $0 + Double($1) }
    }
  }

  /// Entries of a part of a row: whole channels.
  private var part: Int { max(BlockwiseRounding.block / taps, 1) * taps }

  /// The moment of a part of the row after its channels are divided by the factors.
  private func scaled(_ range: Range<Int>, by factors: [Float]) -> Matrix {
    let result = Matrix(unfilledRows: range.count, columns: range.count)
    let inverse = range.map { 1 / factors[$0 / taps] }
    pool.forEach(range.count) { row in
      let (source, target) = (
        moment.row(range.lowerBound + row) + range.lowerBound, result.row(row)
      )
      for column in 0..<range.count {
        target[column] = source[column] * (inverse[row] * inverse[column])
      }
    }
    return result
  }
}
