import Calibration
import GraphIR
import Quantization
import Tensors

/// Takes the mean error that rounded weights cause at a layer's output back with its bias.
enum BiasCorrection {
  /// Only biases that a single layer reads are changed.
  static func patch(
    layers: [WeightLayer], weights: [String: QuantizedWeight], inputs: [String: LayerInputSample]
  ) -> GraphPatch {
    var corrections: [String: [Float]] = [:]
    for layer in layers {
      guard let bias = layer.site.bias, let values = layer.bias, let sample = inputs[layer.name],
        let weight = weights[layer.site.weight]
      else { continue }
      let means = OutputError.means(of: weight, rows: layer.rows, inputs: sample)
      guard means.count == values.count, means.allSatisfy(\.isFinite) else { continue }
      corrections[bias] = zip(values, means).map { $0 - $1 }
    }
    let corrected = corrections
    return GraphPatch("correct biases") { model in
      var readers: [String: Int] = [:]
      for name in model.graph.nodes.flatMap(\.inputs) { readers[name, default: 0] += 1 }
      for (name, values) in corrected where readers[name] == 1 {
        guard let old = model.graph.initializers[name] else { continue }
        model.graph.initializers[name] = Tensor(values, shape: old.shape)
      }
    }
  }
}
