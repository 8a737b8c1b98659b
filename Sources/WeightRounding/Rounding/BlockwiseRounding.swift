public import Calibration
public import Parallelism
public import Quantization
import Tensors

/// Error feedback within blocks of a row, from the columns that calibration has sampled: for large
/// layers in little time. Scales are those of least squared error; errors do not cross blocks.
public struct BlockwiseRounding: Sendable {
  let pool: WorkerPool

  /// Columns of a block; what a factorization costs grows with its square for each column.
  static let block = 768

  public init(pool: WorkerPool) {
    self.pool = pool
  }

  /// The integers at a width, given its scales, `[rows, blocks]`.
  public func quantize(
    _ layer: RoundingLayer, scales: [Float], bits: Int, inputs: LayerInputSample
  ) -> QuantizedWeight {
    let groups = layer.observed.group
    let length = layer.rows.length
    let perGroup = layer.rows.count / groups
    let starts = Array(stride(from: 0, to: length, by: Self.block))
    let integers = Tensor(shape: [layer.rows.count, length]) {
      (buffer: UnsafeMutableBufferPointer<Int8>) in
      nonisolated(unsafe) let buffer = buffer
      pool.forEach(groups * starts.count) { task in
        let (group, first) = (task / starts.count, starts[task % starts.count])
        let count = min(Self.block, length - first)
        let objective = GroupObjective(
          moment: moment(inputs, first: group * length + first, count: count),
          damping: Damping(length: count, columns: inputs.count).rounding, pool: pool)
        let weights = Matrix(rows: perGroup, columns: count)
        layer.rows.values.withElements(of: Float.self) { values in
          for row in 0..<perGroup {
            let source = (group * perGroup + row) * length + first
            for (index, input) in objective.order.enumerated() {
              weights[row, index] = values[source + input]
            }
          }
        }
        let blocks = ScaleBlocks(layer.rows, order: objective.order, first: first)
        let part = perGroup * blocks.count
        let chosen = Array(scales[group * part..<(group + 1) * part])
        let solved = RowSolver(
          objective: objective, bits: bits, blocks: blocks, scaleFactors: [1], rounds: 0
        ).solve(weights, scales: chosen, floors: chosen, pool: pool)
        for row in 0..<perGroup {
          let target = (group * perGroup + row) * length + first
          for (index, input) in objective.order.enumerated() {
            buffer[target + input] = solved.integers[row * count + index]
          }
        }
      }
    }
    return QuantizedWeight(
      integers: layer.rows.restored(integers), scales: scales, axis: layer.rows.axis, bits: bits,
      blocks: layer.rows.blocks)
  }

  /// `E[x x']` of some entries of the columns, about their means.
  private func moment(_ inputs: LayerInputSample, first: Int, count: Int) -> Matrix {
    let result = Matrix(rows: count, columns: count)
    inputs.withColumns { columns in
      guard let base = columns.baseAddress, inputs.count > 0 else { return }
      let scale = 1 / Float(inputs.count)
      Products.multiply(
        base + first, inputs.length, transposedA: true, base + first, inputs.length,
        into: result.values, count, m: count, n: count, k: inputs.count, alpha: scale)
      var means = [Float](repeating: 0, count: count)
      for column in 0..<inputs.count {
        for entry in 0..<count { means[entry] += base[column * inputs.length + first + entry] }
      }
      for row in 0..<count {
        for column in 0..<count {
          result[row, column] -= means[row] * means[column] * scale * scale
        }
      }
    }
    return result
  }
}
