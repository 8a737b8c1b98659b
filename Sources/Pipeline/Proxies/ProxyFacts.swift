import Calibration
import FloatRuntime
import Foundation
import GraphIR
import Parallelism
import ProxySearch
import Quantization
import Tensors
import WeightRounding

/// Gathers what proxies may know of a network; what is costly when a proxy asks for it.
struct ProxyFacts {
  let model: Model
  /// Each weight once.
  let layers: [WeightLayer]
  let roundingLayers: [RoundingLayer]
  let inputs: [String: LayerInputSample]
  /// By weight name and bits.
  let forms: [String: [Int: QuantizedWeight]]
  /// By layer name.
  let outputErrors: [String: OutputError.Channels]
  let samples: () throws -> RoundingSamples
  let settings: RoundingSettings
  let seed: Int
  let pool: WorkerPool
  let progress: (String, Int, Int) -> Void

  /// The facts of the layers that calibration has seen the inputs of.
  func network() -> NetworkFacts {
    let known = zip(layers, roundingLayers).compactMap { layer, rounding in
      inputs[layer.name].map { (layer, rounding, $0) }
    }
    let facts = known.map { layer, _, sample in
      LayerFacts(
        name: layer.name, op: layer.site.op, rows: layer.rows, inputs: sample,
        forms: forms[layer.site.weight] ?? [:], outputErrors: outputErrors[layer.name])
    }
    let names = facts.map(\.name)
    let widths = Set(facts.flatMap(\.forms.keys)).sorted()
    let observed = known.map(\.0)
    func gradients() throws -> NetworkGradients {
      try NetworkGradients(
        model: model, layers: observed, samples: try samples().originals, seed: seed, pool: pool,
        progress: progress)
    }
    func dataFree() throws -> DataFreeGradients {
      let first = try samples().originals.first ?? [:]
      return DataFreeGradients(
        model: model, layers: observed, sample: first, loss: try gradients().loss, pool: pool)
    }
    return NetworkFacts(
      layers: facts,
      costly: CostlyFacts(
        feedbackForm: { index, form in
          FeedbackRounding(pool: pool).round(
            form, layer: known[index].1, inputs: known[index].2)
        },
        measurements: { try measurements(of: names, bits: widths) },
        trials: {
          try RandomTrials(
            model: model,
            layers: known.map { layer, rounding, _ in
              (rounding, (forms[layer.site.weight] ?? [:]).keys.sorted())
            }, samples: try samples(), settings: settings, seed: seed, pool: pool
          ).run { progress("measuring random plans", $0, $1) }
        },
        similarities: { FeatureSimilarity.matrix(try features(observed)) },
        gradients: { try gradients().facts() }, traces: { try gradients().traces() },
        eigenvalues: { try gradients().eigenvalues() },
        virtualGradients: { try dataFree().virtualGradients() },
        synapticFlows: { try dataFree().synapticFlows() },
        localTraces: {
          try LocalCurvature(
            model: model, layers: observed, inputs: inputs, samples: try samples().originals,
            seed: seed, pool: pool
          ).traces()
        },
        prunedDistances: {
          try distances(known.map(\.1)) { $1.pruned(share: Self.prunedShare) }
        },
        disturbedDistances: {
          try distances(known.map(\.1)) { $1.disturbed(seed: seed + $0) }
        }), pool: pool)
  }

  /// CPTQuant's.
  private static let prunedShare = 0.3

  private func distances(
    _ layers: [RoundingLayer], change: (Int, WeightRows) -> [Float]
  ) throws -> [Double] {
    let found = try WeightChange(model: model, samples: try samples().originals, pool: pool)
      .distances(layers, change: change) { progress("changing weights", $0, $1) }
    return layers.map { found[$0.weight] ?? 0 }
  }

  private func measurements(
    of names: [String], bits: [Int]
  ) throws -> [[Int: CostlyFacts.Measurement]] {
    let probe = try SensitivityProbe(
      model: model, samples: try samples(), settings: settings, pool: pool)
    let measured = try probe.measure(roundingLayers, bits: bits) { progress("measuring", $0, $1) }
    let byName = Dictionary(measured.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return names.map { name in
      guard let layer = byName[name] else { return [:] }
      let smoothed = layer.smoothedDistances
      return layer.distances.reduce(into: [:]) { result, entry in
        result[entry.key] = CostlyFacts.Measurement(
          distance: entry.value, smoothed: smoothed[entry.key] ?? .nan,
          divergence: layer.divergences[entry.key] ?? .nan,
          noise: layer.noises[entry.key] ?? .nan)
      }
    }
  }

  /// Values of a layer's output that are looked at for each sample; larger outputs are thinned out.
  private static let featureLimit = 1 << 14

  /// Outputs of the layers, for every sample.
  private func features(_ layers: [WeightLayer]) throws -> [[[Float]]] {
    let collector = FeatureCollector(limit: Self.featureLimit)
    let engine = try FloatEngine(
      model: model, pool: pool, observing: Set(layers.map(\.site.node)))
    let samples = try samples().originals
    for (index, sample) in samples.enumerated() {
      _ = try engine.run(sample.mapValues { .tensor($0) }) { collector.see($0, $1) }
      progress("comparing features", index + 1, samples.count)
    }
    return layers.map { collector.features(of: $0.site.node) }
  }
}

/// Keeps evenly spread values of tensors that come by.
private final class FeatureCollector: @unchecked Sendable {
  private let lock = NSLock()
  private let limit: Int
  private var values: [String: [[Float]]] = [:]

  init(limit: Int) { self.limit = limit }

  func see(_ name: String, _ tensor: Tensor) {
    guard tensor.elementType == .float32 else { return }
    let step = max(1, (tensor.count + limit - 1) / limit)
    let kept = tensor.withElements(of: Float.self) { values in
      stride(from: 0, to: values.count, by: step).map { values[$0] }
    }
    lock.withLock { values[name, default: []].append(kept) }
  }

  func features(of name: String) -> [[Float]] { lock.withLock { values[name] ?? [] } }
}
