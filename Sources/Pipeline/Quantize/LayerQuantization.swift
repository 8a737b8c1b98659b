import Calibration
import Parallelism
import Quantization

/// Every layer at every width it may take, and what that costs its output.
struct LayerQuantization {
  /// By weight name and bits.
  private(set) var forms: [String: [Int: QuantizedWeight]] = [:]
  /// The smallest value allowed to each scale at 8 bits, by weight name.
  private(set) var floors: [String: [Float]] = [:]
  private(set) var sensitivities = SensitivityTable(layers: [])
  /// Sums over the sampled columns by layer name, of its forms from the narrowest to the widest.
  private(set) var outputErrors: [String: OutputError.Channels] = [:]

  /// `inputScale` is the scale of the layer's quantized input.
  init(
    layers: [WeightLayer], bits: [String: [Int]], inputs: [String: LayerInputSample],
    inputScale: (WeightLayer) -> Float, pool: WorkerPool
  ) {
    let byWeight = Dictionary(grouping: layers, by: \.site.weight)
    for layer in layers {
      let bits = (bits[layer.name] ?? []).sorted()
      if forms[layer.site.weight] == nil {
        let sharing = byWeight[layer.site.weight] ?? [layer]
        let floors = sharing.map {
          // Beside blocks biases stay float.
          BiasScale.floors(
            bias: $0.bias, channels: layer.rows.count,
            inputScale: layer.rows.blocks > 1 ? 0 : inputScale($0))
        }
        let floor = layer.rows.largest.indices.flatMap { channel in
          repeatElement(floors.map { $0[channel] }.max() ?? 0, count: layer.rows.blocks)
        }
        self.floors[layer.site.weight] = floor
        let importance = LayerQuantization.importance(layer, inputs[layer.name])
        for width in bits {
          forms[layer.site.weight, default: [:]][width] = WeightQuantizer(bits: width).quantize(
            layer.rows, importance: importance,
            scaleFloors: BiasScale.floors(floor, bits: width), pool: pool)
        }
      }
      let quantized = bits.compactMap { forms[layer.site.weight]?[$0] }
      let channels = inputs[layer.name].flatMap {
        OutputError.channels(of: quantized, rows: layer.rows, inputs: $0, pool: pool)
      }
      outputErrors[layer.name] = channels
      let errors = channels?.relative ?? bits.map { _ in 0 }
      sensitivities.layers.append(
        .init(name: layer.name, damage: Dictionary(zip(bits, errors)) { first, _ in first }))
    }
  }

  /// Mean squares of the inputs, as weights of the rounding error: relative, and never zero, so
  /// that weights of inputs which the samples leave at zero still count a little.
  private static func importance(_ layer: WeightLayer, _ inputs: LayerInputSample?) -> [[Float]]? {
    guard let inputs, inputs.length == layer.rows.length * inputs.layer.group else { return nil }
    return inputs.meanSquares.map { row in
      let mean = row.reduce(0, +) / Float(max(row.count, 1))
      guard mean > 0, mean.isFinite else { return row.map { _ in 1 } }
      return row.map { $0 / mean + 0.01 }
    }
  }
}
