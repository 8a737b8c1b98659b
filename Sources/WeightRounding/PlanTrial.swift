public import GraphIR
public import Parallelism
import Quantization
import Tensors

/// Compares plans by what they do to samples that their rounding has not seen.
public struct PlanTrial {
  private let model: Model
  private let settings: RoundingSettings
  private let pool: WorkerPool
  private let parts: [Part]

  private struct Part {
    /// Feeds to round on.
    let training: [[String: Tensor]]
    let judge: OutputComparison
  }

  /// Rounds on parts of the `samples` and their variants, and judges on the other samples, each with as
  /// many of its variants as `judgedVariants` says.
  public init(
    model: Model, samples: RoundingSamples, roundedVariants: Int = .max, judgedVariants: Int = 0,
    settings: RoundingSettings, extent: TrialExtent, pool: WorkerPool
  ) throws {
    self.model = model
    self.pool = pool
    var settings = settings
    // What is learned comes on top: plans are told apart without it.
    settings.method = .gptq
    settings.effort = extent.planEffort
    self.settings = settings
    let split = SampleFolds(samples, wanted: max(2, extent.planFolds))
    parts = try zip(split.limited(to: extent.planFolds), split.parts).map { fold, held in
      Part(
        training: samples.feeds(of: fold.training, variants: roundedVariants),
        judge: try OutputComparison(
          model: model, feeds: samples.feeds(of: held, variants: judgedVariants), pool: pool))
    }
  }

  /// Rounds to the widths, by weight name; the distance of the network's outputs from those of the float
  /// network, for each part of the samples. `student` is the network with the activations that the
  /// plan makes narrow.
  public func distances(
    _ layers: [RoundingLayer], bits: [String: Int], student: Model
  ) throws -> [Double] {
    try parts.map { part in
      var rounding = try SequentialRounding(
        reference: model, student: student, samples: part.training, settings: settings,
        pool: pool)
      let result = try rounding.run(layers, bits: bits)
      return try part.judge.distance(
        weights: result.weights, biases: result.biases, student: student)
    }
  }
}
