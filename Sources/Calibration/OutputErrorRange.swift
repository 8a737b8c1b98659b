public import Parallelism
public import Quantization
import Tensors

/// The range of an activation that disturbs least what reads it.
///
/// Rounding and clipping make an error `e = Q(x) - x` that differs from channel to channel, and the
/// layers behind weigh channels differently: what counts is `||W (e - mean e)||^2` at their outputs,
/// over the outputs' power; the mean is what biases take back. The two edges are searched in turn,
/// around a first guess and never beyond the values that were seen.
public struct OutputErrorRange {
  /// A layer that reads the value, as a few mixtures of its rows: the squared norm of `S W e`, with
  /// signs in `S` at random, is that of `W e` on average.
  private struct Reader {
    let rows: WeightRows
    let inputs: LayerInputSample
    let power: Double
  }

  private let readers: [Reader]
  private let countsItself: Bool
  private let pool: WorkerPool

  /// `layers`: rows of the weight and sampled columns of those that read the value. `countsItself`:
  /// something else reads it too, as a shortcut does; its own relative error counts as well. Nil
  /// where nothing is known of the layers.
  public init?(
    layers: [(rows: WeightRows, inputs: LayerInputSample)], countsItself: Bool, pool: WorkerPool
  ) {
    self.countsItself = countsItself
    self.pool = pool
    readers = layers.compactMap { layer in
      let inputs = layer.inputs.thinned(to: Self.entries)
      let rows = inputs.layer.group == 1 ? layer.rows.mixed(to: Self.mixtures) : layer.rows
      guard
        let power = OutputError.channels(of: [], rows: rows, inputs: inputs, pool: pool)?.power
          .reduce(0, +), power > 0
      else { return nil }
      return Reader(rows: rows, inputs: inputs, power: power)
    }
    guard !readers.isEmpty, readers.count == layers.count else { return nil }
  }

  /// The best of the ranges around `guess` and inside `widest`; `quantizer` makes one into the
  /// parameters that it would have.
  public func range(
    around guess: ClosedRange<Float>, within widest: ClosedRange<Float>,
    quantizer: (ClosedRange<Float>) -> AffineParameters
  ) -> ClosedRange<Float> {
    EdgeRefinement(rounds: 2).range(around: guess, within: widest) { damage(quantizer($0)) }
  }

  private func damage(_ quantizer: AffineParameters) -> Double {
    readers.reduce(0) { sum, reader in
      let errors = reader.inputs.mapped { quantizer.dequantize(quantizer.quantize($0)) - $0 }
      let power = OutputError.channels(
        of: [], rows: reader.rows, inputs: errors.centered(), pool: pool)?.power.reduce(0, +)
      let own = countsItself ? errors.power / max(reader.inputs.power, .leastNormalMagnitude) : 0
      return sum + (power ?? 0) / reader.power + own
    }
  }

  private static let mixtures = 32
  private static let entries = 1 << 20
}

extension WeightRows {
  /// Sums of the rows with signs at random, at most `limit` of them.
  fileprivate func mixed(to limit: Int) -> WeightRows {
    guard count > limit, length > 0 else { return self }
    var generator = SplitMix64(seed: 0)
    let mixed = values.withElements(of: Float.self) { weights in
      Tensor(shape: [limit, length]) { (target: UnsafeMutableBufferPointer<Float>) in
        target.initialize(repeating: 0)
        for row in 0..<count {
          for mixture in 0..<limit {
            let sign: Float = Bool.random(using: &generator) ? 1 : -1
            for entry in 0..<length {
              target[mixture * length + entry] += sign * weights[row * length + entry]
            }
          }
        }
      }
    }
    return (try? WeightRows(mixed, named: name, axis: 0)) ?? self
  }
}
