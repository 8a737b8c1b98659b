import Foundation
import Parallelism
import Quantization
import Tensors

/// What rounding costs a layer's output once its input channels are divided by factors and its
/// weights multiplied: the error of its weights and that of an 8-bit activation.
struct FactorJudge {
  let factors: [Float]
  /// Weights of a channel in a row.
  let taps: Int
  /// `E[x x']` before.
  let moment: Matrix
  /// Largest magnitude of each channel before.
  let largest: [Float]
  let damping: Float
  let pool: WorkerPool

  func cost(_ layer: RoundingLayer, bits: Int) throws -> Double {
    let (rows, length) = (layer.rows.count, layer.rows.length)
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
    let rounding = solved.costs.reduce(0) { $0 + Double($1) }
    let range = zip(largest, factors).map { $0 / $1 }.max() ?? 0
    let step = Double(range) / 255
    let power = (0..<rows * length).reduce(0.0) {
      $0 + Double(weights.values[$1]) * Double(weights.values[$1])
    }
    return rounding + step * step / 12 * power
  }
}

enum ChannelExtent {
  /// Largest magnitude of every channel over all samples.
  static func largest(_ inputs: [Tensor], channels: Int, isConvolution: Bool) -> [Float] {
    var result = [Float](repeating: 0, count: channels)
    for tensor in inputs {
      let inner = isConvolution ? Tensor.count(of: Array(tensor.shape.dropFirst(2))) : 1
      tensor.withElements(of: Float.self) { values in
        for index in values.indices {
          let channel = index / inner % channels
          result[channel] = max(result[channel], abs(values[index]))
        }
      }
    }
    return result
  }
}

extension Double {
  /// The base-two logarithm.
  var logarithm: Double { log2(self) }
}
