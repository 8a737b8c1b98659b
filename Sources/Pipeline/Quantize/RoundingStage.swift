import BitAllocation
import Calibration
import Foundation
import GraphIR
import Lowering
import Parallelism
import ProxySearch
import Quantization
import Tensors
import WeightRounding

/// Chooses between plans and rounds the weights of one against the calibration samples.
struct RoundingStage {
  let model: Model
  let layers: [RoundingLayer]
  let samples: RoundingSamples
  /// Channel groups of a layer count as one: what is tried does not shrink for them.
  private let work: LayerArithmetic
  let settings: RoundingSettings
  let pool: WorkerPool
  let progress: (String, Int, Int) -> Void

  init(
    model: Model, layers: [RoundingLayer], wholeLayers: Int, source: SampleSource,
    options: QuantizeOptions,
    narrowest: Int, trained: (loaded: Model, folded: Model), pool: WorkerPool,
    progress: @escaping (String, Int, Int) -> Void
  ) throws {
    self.model = model
    self.layers = layers
    self.pool = pool
    self.progress = progress
    settings = RoundingSettings(effort: options.effort, method: options.rounding)
    let originals = try CalibrationSamples.originals(source, options: options)
    guard let first = originals.first else { throw WeightRoundingError.noSamples }
    var work = try LayerArithmetic(layers, model: model, sample: first, pool: pool)
    work.layers = min(work.layers, wholeLayers)
    self.work = work
    samples = try CalibrationSamples.varied(
      originals, source: source, words: WordVariation(trained.loaded, samples: originals),
      options: options, macs: work.macs, narrowest: narrowest,
      matching: {
        try StatisticsMatching(
          model: trained.folded, statistics: TrainedStatistics(trained.loaded), inputs: $0,
          pool: pool)
      },
      progress: { progress("varying samples", $0, $1) })
  }

  /// The same network in float, its channels scaled so that rounding hurts less.
  static func equalized(
    _ model: Model, layers: [WeightLayer], sites: QuantizationSites, source: SampleSource,
    options: QuantizeOptions, pool: WorkerPool
  ) throws -> Model {
    let patch = try Equalization(
      model: model, samples: CalibrationSamples.originals(source, options: options),
      effort: options.effort, pool: pool
    ).patch(
      RoundingLayer.make(layers, model: model, floors: [:]),
      floatValues: sites.valuesForLayersAlone, bits: 4)
    return try model.applying([patch])
  }

  /// The readings of what is measured that there is time to try the plans of.
  func readings(bits: [Int]) throws -> [Proxy] {
    extent(bits: bits).planFolds > 1
      ? try ProxyLibrary.standard() : [try ProxyLibrary.proxy("measured")]
  }

  /// The plan that keeps the outputs of samples that its rounding has not seen closest to the float
  /// network's, where `prediction` was fitted to random plans by what that says, too.
  func best(
    of plans: [BitPlan], bits: [Int], prediction: SensitivityTable?,
    activations: (BitPlan) -> [String: AffineParameters]
  ) throws -> BitPlan {
    guard plans.count > 1 else { return plans[0] }
    let extent = extent(bits: bits)
    let trial = try PlanTrial(
      model: model, samples: samples, settings: settings, extent: extent, pool: pool)
    let prediction = extent.randomPlans > 0 ? prediction : nil
    var done = 0
    return try plans.closest { plan in
      let widths = Dictionary(
        layers.compactMap { layer in plan.bits[layer.name].map { (layer.weight, $0) } },
        uniquingKeysWith: { first, _ in first })
      let distances = try trial.distances(
        layers, bits: widths, student: student(activations(plan)))
      done += 1
      progress("comparing plans", done, plans.count)
      let found = distances.reduce(0, +) / Double(distances.count)
      return Self.expected(found: found, predicted: prediction?.damage(of: plan))
    }
  }

  /// The distance of a plan, up to a factor: a trial on few samples finds that roughly, and weighs less
  /// than what many plans let predict, in the geometric mean of both.
  static func expected(found: Double, predicted: Double?) -> Double {
    guard let predicted else { return found }
    return pow(found, trialShare) * pow(max(predicted, 0), 1 - trialShare)
  }

  private static let trialShare = 0.2

  /// The network with those of its activations quantized that have fewer than 8 bits: beside them
  /// the others are as good as float.
  private func student(_ activations: [String: AffineParameters]) throws -> Model {
    try Lowering.simulating(model, activations: activations.filter { $0.value.isNarrow })
  }

  /// What quantized values do to the network's outputs, by value and bits.
  func inputDistances(
    _ quantizers: [String: [Int: AffineParameters]], bits: [Int]
  ) throws -> [String: [Int: Double]] {
    guard !quantizers.isEmpty else { return [:] }
    return try InputProbe(
      model: model, samples: samples.originals, extent: extent(bits: bits), pool: pool
    ).distances(quantizers) { progress("measuring activations", $0, $1) }
  }

  private func extent(bits: [Int]) -> TrialExtent {
    TrialExtent(effort: settings.effort, bits: bits, samples: samples.count, work: work)
  }

  /// Integers by weight name, and the model with the biases that go with them.
  ///
  /// Where a weight lies between two integers, the last digits of sums decide, and what follows differs:
  /// of several starts the one is kept that comes closest at the network's outputs.
  func round(_ plan: QuantizationPlan) throws -> (model: Model, weights: [String: QuantizedWeight])
  {
    let student = try student(plan.activations)
    let results = try dampingFactors(of: plan).map {
      try rounded(plan, student: student, dampingFactor: $0)
    }
    let best = try closest(of: results, student: student)
    let patch = GraphPatch("correct biases") { model in
      for (name, tensor) in best.biases { model.graph.initializers[name] = tensor }
    }
    return (try model.applying([patch]), best.weights)
  }

  private func closest(
    of results: [SequentialRounding.Result], student: Model
  ) throws -> SequentialRounding.Result {
    guard results.count > 1 else { return results[0] }
    let comparison = try OutputComparison(model: model, feeds: samples.feeds, pool: pool)
    return try results.closest {
      try comparison.distance(weights: $0.weights, biases: $0.biases, student: student)
    }
  }

  private func rounded(
    _ plan: QuantizationPlan, student: Model, dampingFactor: Float
  ) throws -> SequentialRounding.Result {
    var settings = settings
    settings.dampingFactor = dampingFactor
    var rounding = try SequentialRounding(
      reference: model, student: student, samples: samples.feeds, originals: samples.count,
      settings: settings, pool: pool)
    return try rounding.run(layers, bits: plan.weightBits) { progress("rounding", $0, $1) }
  }

  /// As many as there is time for, where integers are few.
  private func dampingFactors(of plan: QuantizationPlan) -> [Float] {
    let macs = Double(max(work.macs, 1)) * Double(samples.feeds.count)
    let affordable = settings.method == .gptq ? Int(Self.restartArithmetic / macs) : 1
    let isNarrow = plan.layers.contains { $0.weightBits <= 3 }
    let count = isNarrow ? min(max(affordable, 1), Self.dampingFactors.count) : 1
    return Array(Self.dampingFactors.prefix(count))
  }

  private static let dampingFactors: [Float] = [1, 0.95, 1.05, 0.9]
  /// Multiply-accumulates that running all samples once may take, for all starts.
  private static let restartArithmetic = 8e9
}

extension RoundingLayer {
  /// The layers as rounding sees them; `floors` are the smallest scales at 8 bits by weight name.
  static func make(
    _ layers: [WeightLayer], model: Model, floors: [String: [Float]]
  ) -> [RoundingLayer] {
    let readers = model.graph.nodes.flatMap(\.inputs)
      .reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    return layers.map { layer in
      let bias = layer.site.bias.flatMap { name in
        readers[name] == 1 && model.graph.initializers[name] != nil ? name : nil
      }
      return RoundingLayer(
        name: layer.name, rows: layer.rows, observed: layer.observed, bias: bias,
        scaleFloors: floors[layer.site.weight]
          ?? Array(repeating: WeightQuantizer.smallestScale, count: layer.rows.scaleCount))
    }
  }
}
