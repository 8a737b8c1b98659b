import Calibration
import GraphIR
import Parallelism
import Quantization
import Tensors

/// Three small made-up layers that every proxy has to cope with before it costs any time.
struct ToyNetwork {
  private static let widths = [2, 4, 8]
  private let facts: NetworkFacts

  init() throws {
    let layers = try [(3, 4, 1.0), (6, 3, 0.2), (2, 8, 3.0)].enumerated().map { index, size in
      try Self.layer("toy\(index)", rows: size.0, inputs: size.1, scale: size.2, seed: index)
    }
    facts = NetworkFacts(
      layers: layers,
      costly: CostlyFacts(
        feedbackForm: { $1 },
        measurements: {
          (0..<3).map { layer in
            Dictionary(
              uniqueKeysWithValues: Self.widths.map { bits in
                let damage = Double(layer + 1) / Double(1 << (2 * bits))
                return (
                  bits,
                  .init(distance: damage, smoothed: damage, divergence: damage, noise: damage)
                )
              })
          }
        },
        trials: { [] },
        similarities: { [[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]] },
        gradients: { layers.map(Self.gradients) }, traces: { [4, 2, 1] },
        eigenvalues: { [1, 0.5, 0.25] },
        virtualGradients: {
          layers.map { Array(repeating: 0.5, count: $0.shape.count(.matrix)) }
        }, synapticFlows: { [3, 2, 1] },
        localTraces: { [4, 5, 6] }, prunedDistances: { [0.1, 0.2, 0.3] },
        disturbedDistances: { [1, 2, 4] }),
      pool: WorkerPool(threadCount: 1))
  }

  /// Why a formula is no proxy; nil where it is one.
  func problem(with formula: Expression) -> String? {
    do {
      let table = try ProxyEvaluation(facts).sensitivities(formula)
      let damage = table.layers.map { layer in Self.widths.map { layer.damage[$0] ?? .nan } }
      if Set(damage.joined()).count == 1 { return "it is the same for all layers and widths" }
      if damage.allSatisfy({ Set($0).count == 1 }) { return "it does not depend on the width" }
      for (index, values) in damage.enumerated() where values[0] < values[values.count - 1] {
        return
          "it predicts more damage at 8 bits than at 2 in a layer of the toy network (\(index))"
      }
      return nil
    } catch { return "\(error)" }
  }

  private static func gradients(_ layer: LayerFacts) -> GradientFacts {
    let (weights, outputs) = (layer.shape.count(.matrix), layer.shape.outputs)
    return GradientFacts(
      mean: (0..<weights).map { $0 % 2 == 0 ? 0.5 : -0.25 },
      meanSquare: Array(repeating: 0.5, count: weights),
      outputMeanSquare: Array(repeating: 0.5, count: outputs),
      channelFisher: Array(repeating: 0.25, count: outputs))
  }

  private static func layer(
    _ name: String, rows: Int, inputs: Int, scale: Double, seed: Int
  ) throws -> LayerFacts {
    var random = SplitMix64(seed: seed)
    func values(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float((random.unit() - 0.4) * scale) }
    }
    let weights = values(rows * inputs)
    let node = Node(op: "Gemm", inputs: ["x", "w"], outputs: [name])
    let observed = try ObservedLayer(name: name, node: node, weightShape: [inputs, rows])
    var sample = LayerInputSample(layer: observed, columnsPerSample: 8, expectedSamples: 1)
    try sample.take(
      from: Tensor(values(8 * inputs), shape: [8, inputs]), sample: 0,
      pool: WorkerPool(threadCount: 1))
    let forms = widths.map { bits in (bits, form(weights, rows: rows, inputs: inputs, bits: bits)) }
    return LayerFacts(
      name: name, op: "Gemm",
      rows: try WeightRows(Tensor(weights, shape: [inputs, rows]), named: name, axis: 1),
      inputs: sample, forms: Dictionary(uniqueKeysWithValues: forms))
  }

  /// Rounded to nearest, the largest weight of each output channel at the end of the range.
  private static func form(
    _ weights: [Float], rows: Int, inputs: Int, bits: Int
  ) -> QuantizedWeight {
    let top = Float(WeightRange.of(bits: bits).upperBound)
    let scales = (0..<rows).map { row in
      (0..<inputs).reduce(Float(1e-6)) { max($0, abs(weights[$1 * rows + row])) } / top
    }
    let integers = weights.indices.map { Int8((weights[$0] / scales[$0 % rows]).rounded()) }
    return QuantizedWeight(
      integers: Tensor(integers, shape: [inputs, rows]), scales: scales, axis: 1, bits: bits)
  }
}
