import Parallelism
import Quantization
import Tensors

/// What rounding its weights costs a layer's output once its input channels are divided by factors
/// and its weights multiplied.
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
    let (rows, length, taps) = (layer.rows.count, layer.rows.length, taps)
    let scaled = Matrix(rows: length, columns: length)
    for row in 0..<length {
      for column in 0..<length {
        scaled[row, column] = moment[row, column] / (factors[row / taps] * factors[column / taps])
      }
    }
    let objective = GroupObjective(moment: scaled, damping: damping, pool: pool)
    let weights = Matrix(rows: rows, columns: length)
    layer.rows.values.withElements(of: Float.self) { values in
      for row in 0..<rows {
        for (index, input) in objective.order.enumerated() {
          weights[row, index] = values[row * length + input] * factors[input / taps]
        }
      }
    }
    let tensor = Tensor(weights.elements, shape: [rows, length])
    let importance = (0..<length).map { objective.hessian[$0, $0] }
    let floors = [Float](repeating: WeightQuantizer.smallestScale, count: rows)
    let scales = WeightQuantizer(bits: bits).quantize(
      try WeightRows(tensor, named: layer.weight, axis: 0), importance: [importance], pool: pool
    ).scales
    let solved = RowSolver(objective: objective, bits: bits, scaleFactors: [1], rounds: 0)
      .solve(weights, scales: scales, floors: floors, pool: pool)
    return solved.costs.reduce(0) { $0 + Double($1) }
  }
}
