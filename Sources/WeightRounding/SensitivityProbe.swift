import Calibration
import Foundation
public import GraphIR
public import Parallelism
import Quantization
import Tensors

/// Rounds one layer at a time, at every width, and measures what that does to the layer's output
/// and to the outputs of the network, on samples that the rounding has not seen: with fewer samples
/// than weights of a row, the error on those that it has seen says nothing.
public struct SensitivityProbe {
  public struct Layer: Sendable {
    public var name: String
    /// Relative squared error of the layer's output after rounding, by bits.
    public var outputErrors: [Int: Double]
    /// Distance of the network's outputs from those of the float network, by bits.
    public var distances: [Int: Double]
    /// The two parts of the distances.
    public var noises: [Int: Double]
    public var divergences: [Int: Double]

    /// The layer's output errors times what an output error of this layer does to the network, on
    /// the geometric mean over the widths: a smoother curve than that of the distances.
    public var smoothedDistances: [Int: Double] {
      let gains = outputErrors.compactMap { width, error -> Double? in
        guard let distance = distances[width], distance > 0, error > 0 else { return nil }
        return log(distance / error)
      }
      guard !gains.isEmpty else { return distances }
      let gain = exp(gains.reduce(0, +) / Double(gains.count))
      return outputErrors.mapValues { $0 * gain }
    }
  }

  private let model: Model
  private let samples: RoundingSamples
  private let settings: RoundingSettings
  private let masks: [TokenMask]?
  private let pool: WorkerPool

  public init(
    model: Model, samples: RoundingSamples, settings: RoundingSettings, pool: WorkerPool
  ) throws {
    guard samples.count > 0 else { throw WeightRoundingError.noSamples }
    self.model = model
    self.samples = samples
    self.settings = settings
    masks = TokenMask.of(samples.feeds)
    self.pool = pool
  }

  /// One entry for each weight, in graph order.
  public func measure(
    _ layers: [RoundingLayer], bits: [Int], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [Layer] {
    let whole = NetworkFlow(model, samples: samples.feeds, pool: pool)
    let outputs = try whole.finish()
    let work = try LayerArithmetic(layers, model: model, sample: samples.feeds[0], pool: pool)
    let extent = TrialExtent(
      effort: settings.effort, bits: bits, samples: samples.count, work: work)
    let parts = SampleFolds(samples, wanted: extent.folds)
    let folds = parts.limited(to: extent.folds, held: extent.heldSamples)
    let references = folds.map { fold in
      OutputDistance(
        reference: outputs.mapValues { list in fold.held.map { list[$0] } },
        of: fold.held.map { samples.feeds[$0] })
    }
    let flow = NetworkFlow(model, samples: samples.feeds, pool: pool)
    var seen: Set<String> = []
    let first = layers.filter { seen.insert($0.weight).inserted }
    let positions = try first.map { layer in
      guard let node = flow.layer(of: layer.weight) else {
        throw WeightRoundingError.layerMissing(layer: layer.name, weight: layer.weight)
      }
      return (layer, node)
    }.sorted { $0.1 < $1.1 }
    return try positions.enumerated().map { index, entry in
      let (layer, node) = entry
      try flow.advance(to: node)
      defer { progress(index + 1, positions.count) }
      return try measure(
        layer, flow: flow, node: node, bits: bits, folds: Array(zip(folds, references)),
        parts: parts.parts, widths: extent.widths)
    }
  }

  private func measure(
    _ layer: RoundingLayer, flow: NetworkFlow, node: Int, bits: [Int],
    folds: [(fold: SampleFolds.Fold, reference: OutputDistance)], parts: [[Int]], widths: [Int]
  ) throws -> Layer {
    let name = flow.node(node).inputs[0]
    guard let inputs = flow.tensors(name) else {
      throw WeightRoundingError.valueMissing(layer: layer.name, value: name)
    }
    let ahead = flow.fork()
    let output = flow.node(node).identity
    try ahead.advance(to: node + 1, keeping: output)
    guard let outputs = ahead.tensors(output) else {
      throw WeightRoundingError.valueMissing(layer: layer.name, value: output)
    }
    let bias = layer.bias.flatMap { flow.initializer($0) }
    let isWithin = layer.bias.map(flow.node(node).inputs.contains) ?? false
    var reader = MomentReader(
      layer: layer, arithmetic: settings.momentArithmetic / folds.count, corrects: false,
      pool: pool)
    let moments = try parts.map { held in
      reader.masks = masks.map { all in held.map { all[$0] } }
      return try reader.moments(inputs: held.map { inputs[$0] }, outputs: held.map { outputs[$0] })
    }
    var result = Layer(
      name: layer.name, outputErrors: [:], distances: [:], noises: [:], divergences: [:])
    for (index, (fold, reference)) in folds.enumerated() {
      let others = moments.indices.filter { $0 != index || moments.count == 1 }
      let moments = LayerMoments(merging: others.map { moments[$0] })
      let rounding = LayerRounding(
        layer: layer, moments: moments, centered: bias != nil,
        dampingFactor: settings.dampingFactor, pool: pool)
      let power = try rounding.power(pool: pool)
      for width in widths {
        let (weight, cost) = rounding.quantize(bits: width, effort: .fast, pool: pool)
        let share = 1 / Double(folds.count)
        result.outputErrors[width, default: 0] += power > 0 ? share * cost / power : 0
        let rounded = weight.dequantized()
        let trial = flow.fork(samples: fold.held)
        trial.replace(layer.weight, by: rounded)
        if let name = layer.bias, let bias {
          let corrected = layer.biasRestoringMeans(
            bias, isWithinOutputs: isWithin, rounded: rounded, moments: moments)
          trial.replace(name, by: Tensor(corrected, shape: bias.shape))
        }
        let parts = reference.parts(to: try trial.finish())
        result.distances[width, default: 0] += share * (parts.noise + parts.divergence)
        result.noises[width, default: 0] += share * parts.noise
        result.divergences[width, default: 0] += share * parts.divergence
      }
    }
    result.outputErrors = DamageCurve.completed(result.outputErrors, bits: bits)
    result.distances = DamageCurve.completed(result.distances, bits: bits)
    result.noises = DamageCurve.completed(result.noises, bits: bits)
    result.divergences = DamageCurve.completed(result.divergences, bits: bits)
    return result
  }
}
