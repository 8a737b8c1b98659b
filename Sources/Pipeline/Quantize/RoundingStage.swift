import Calibration
import GraphIR
import Lowering
import Parallelism
import Quantization
import Tensors
import WeightRounding

/// Rounds the weights of a plan against the calibration samples.
struct RoundingStage {
  let model: Model
  let layers: [RoundingLayer]
  let samples: [[String: Tensor]]
  let settings: RoundingSettings
  let pool: WorkerPool

  init(
    model: Model, layers: [WeightLayer], floors: [String: [Float]], source: SampleSource,
    options: QuantizeOptions, pool: WorkerPool
  ) throws {
    self.model = model
    self.pool = pool
    settings = RoundingSettings(effort: options.effort)
    let count = min(options.samples, source.count)
    samples = try (0..<count).map { try source.feed($0 * source.count / count) }
    let readers = model.graph.nodes.flatMap(\.inputs)
      .reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    self.layers = layers.map { layer in
      let bias = layer.site.bias.flatMap { name in
        readers[name] == 1 && model.graph.initializers[name] != nil ? name : nil
      }
      return RoundingLayer(
        name: layer.name, rows: layer.rows, observed: layer.observed, bias: bias,
        scaleFloors: floors[layer.site.weight]
          ?? Array(repeating: WeightQuantizer.smallestScale, count: layer.rows.count))
    }
  }

  /// Integers by weight name, and the model with the biases that go with them.
  func round(_ plan: QuantizationPlan) throws -> (model: Model, weights: [String: QuantizedWeight])
  {
    let bits = Dictionary(
      plan.layers.map { ($0.weight, $0.weightBits) }, uniquingKeysWith: { first, _ in first })
    let rounding = try SequentialRounding(
      reference: model, student: model, samples: samples, settings: settings, pool: pool)
    let result = try rounding.run(layers, bits: bits)
    let biases = result.biases
    let patch = GraphPatch("correct biases") { model in
      for (name, tensor) in biases { model.graph.initializers[name] = tensor }
    }
    return (try model.applying([patch]), result.weights)
  }
}
