import CFloatKernels
import FloatRuntime
public import Parallelism
public import Quantization
import Tensors

/// Expected squared error at a layer's output, `tr(dW E[x x'] dW')`, over the output's power
/// `tr(W E[x x'] W')`: sums over sampled columns of `||(Q(W) - W) x||^2` and `||W x||^2`.
public enum OutputError {
  /// Sums of squares over the sampled columns, for each output channel.
  public struct Channels: Sendable {
    /// `||w_c x||^2`.
    public var power: [Double]
    /// `||(Q(w_c) - w_c) x||^2` of each quantized form.
    public var errors: [[Double]]

    /// The error of each form over the power, all channels together; 0 where there is no power.
    public var relative: [Double] {
      let power = power.reduce(0, +)
      return errors.map { power > 0 ? $0.reduce(0, +) / power : 0 }
    }
  }

  /// The relative error that each quantization of the layer's input makes: sums of
  /// `||W (Q(x) - x)||^2` over sums of `||W x||^2`.
  public static func relative(
    ofInputs quantizers: [AffineParameters], rows: WeightRows, inputs: LayerInputSample,
    pool: WorkerPool
  ) -> [Double] {
    func power(_ columns: LayerInputSample) -> Double {
      channels(of: [], rows: rows, inputs: columns, pool: pool)?.power.reduce(0, +) ?? 0
    }
    let whole = power(inputs)
    return quantizers.map { quantizer in
      guard whole > 0 else { return 0 }
      return power(inputs.mapped { quantizer.dequantize(quantizer.quantize($0)) - $0 }) / whole
    }
  }

  /// The relative squared error of the input itself at each quantization.
  public static func relative(
    ofValues quantizers: [AffineParameters], inputs: LayerInputSample
  ) -> [Double] {
    let whole = inputs.power
    return quantizers.map { quantizer in
      guard whole > 0 else { return 0 }
      return inputs.mapped { quantizer.dequantize(quantizer.quantize($0)) - $0 }.power / whole
    }
  }

  /// Power and errors by output channel; nil where the columns are not the layer's.
  public static func channels(
    of quantized: [QuantizedWeight], rows: WeightRows, inputs: LayerInputSample, pool: WorkerPool
  ) -> Channels? {
    guard inputs.count > 0, rows.length * inputs.layer.group == inputs.length, rows.count > 0 else {
      return nil
    }
    let perGroup = rows.count / inputs.layer.group
    let step = max(1, min(64, perGroup))
    // Chunks of output channels that lie within one group.
    let chunks = (0..<inputs.layer.group).flatMap { group in
      stride(from: 0, to: perGroup, by: step).map { first in
        (group * perGroup + first, min(step, perGroup - first), group)
      }
    }
    let integers = quantized.map { rows.rows(of: $0) }
    var sums = Array(repeating: 0.0, count: rows.count * (quantized.count + 1))
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      pool.forEach(chunks.count) { chunk in
        let (first, count, group) = chunks[chunk]
        let product = ChunkProduct(
          rows: rows, first: first, count: count, group: group, inputs: inputs)
        for (channel, value) in product.power().enumerated() { sums[first + channel] = value }
        for (index, weight) in quantized.enumerated() {
          let start = (index + 1) * rows.count + first
          let errors = product.error(integers[index], weight)
          for (channel, value) in errors.enumerated() { sums[start + channel] = value }
        }
      }
    }
    func list(_ index: Int) -> [Double] {
      Array(sums[index * rows.count..<(index + 1) * rows.count])
    }
    return Channels(power: list(0), errors: quantized.indices.map { list($0 + 1) })
  }

  /// Mean of `(Q(W) - W) x` of every output channel, which a bias can take back.
  public static func means(
    of quantized: QuantizedWeight, rows: WeightRows, inputs: LayerInputSample
  ) -> [Float] {
    let means = inputs.means
    guard inputs.count > 0, rows.length * inputs.layer.group == inputs.length else {
      return Array(repeating: 0, count: rows.count)
    }
    let perGroup = max(1, rows.count / inputs.layer.group)
    let integers = rows.rows(of: quantized)
    return rows.values.withElements(of: Float.self) { weights in
      integers.withElements(of: Int8.self) { integers in
        (0..<rows.count).map { row in
          let mean = means[row / perGroup]
          let block = quantized.block
          var sum = 0.0
          for entry in 0..<rows.length {
            let at = row * rows.length + entry
            let scale = quantized.scales[at / block]
            sum += Double((Float(integers[at]) * scale - weights[at]) * mean[entry])
          }
          return Float(sum)
        }
      }
    }
  }
}

/// Products of some output channels of one group with the sampled columns.
private struct ChunkProduct {
  let rows: WeightRows
  let first: Int
  let count: Int
  let group: Int
  let inputs: LayerInputSample

  func power() -> [Double] {
    rows.values.withElements(of: Float.self) { weights in
      squaredNorms(UnsafeBufferPointer(rebasing: weights[range]))
    }
  }

  func error(_ integers: Tensor, _ quantized: QuantizedWeight) -> [Double] {
    let block = quantized.block
    let residual = [Float](unsafeUninitializedCapacity: count * rows.length) {
      buffer, initialized in
      rows.values.withElements(of: Float.self) { weights in
        integers.withElements(of: Int8.self) { integers in
          guard let target = buffer.baseAddress, let weights = weights.baseAddress,
            let integers = integers.baseAddress
          else { return }
          for part in 0..<count * quantized.blocks {
            let start = first * rows.length + part * block
            fk_rounding_residual(
              weights + start, integers + start, block,
              quantized.scales[first * quantized.blocks + part], target + part * block)
          }
        }
      }
      initialized = count * rows.length
    }
    return residual.withUnsafeBufferPointer(squaredNorms)
  }

  private var range: Range<Int> { first * rows.length..<(first + count) * rows.length }

  private func squaredNorms(_ matrix: UnsafeBufferPointer<Float>) -> [Double] {
    let product = [Float](unsafeUninitializedCapacity: count * inputs.count) {
      buffer, initialized in
      inputs.values.withUnsafeBufferPointer { columns in
        guard let matrix = matrix.baseAddress, let columns = columns.baseAddress,
          let output = buffer.baseAddress
        else { return }
        TransposedProduct.multiply(
          matrix, rows.length, columns + group * rows.length, inputs.length, into: output,
          inputs.count, m: count, n: inputs.count, k: rows.length)
      }
      initialized = count * inputs.count
    }
    return (0..<count).map { row in
      product[row * inputs.count..<(row + 1) * inputs.count]
        .reduce(0) { $0 + Double($1) * Double($1) }
    }
  }
}
