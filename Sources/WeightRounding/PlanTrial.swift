public import GraphIR
public import Parallelism
public import Quantization
public import Tensors

/// Compares plans by what they do to samples that their rounding has not seen.
public struct PlanTrial {
  private let model: Model
  private let samples: RoundingSamples
  private var settings: RoundingSettings
  private let pool: WorkerPool

  public init(
    model: Model, samples: RoundingSamples, settings: RoundingSettings, pool: WorkerPool
  ) {
    self.model = model
    self.samples = samples
    self.settings = settings
    // What is learned comes on top: plans are told apart without it.
    self.settings.method = .gptq
    self.pool = pool
  }

  /// What the float network gives.
  public func reference() throws -> OutputDistance {
    OutputDistance(
      reference: try NetworkFlow(model, samples: samples.feeds, pool: pool).finish(),
      of: samples.feeds)
  }

  /// The distance of the outputs with these weights and biases, by name, from the reference. `student` is
  /// the network with the activations that go with them, and the biases that are not named.
  public func distance(
    weights: [String: QuantizedWeight], biases: [String: Tensor] = [:], student: Model,
    from reference: OutputDistance
  ) throws -> Double {
    let flow = NetworkFlow(student, samples: samples.feeds, pool: pool)
    flow.replace(weights: weights, biases: biases)
    return reference.distance(to: try flow.finish())
  }

  /// Rounds to the widths, by weight name, on parts of the samples; the distance of the network's
  /// outputs from those of the float network on the other parts, for each part. `student` is the
  /// network with the activations that the plan makes narrow.
  public func distances(
    _ layers: [RoundingLayer], bits: [String: Int], student: Model, extent: TrialExtent
  ) throws -> [Double] {
    let folds = SampleFolds(samples, wanted: max(2, extent.planFolds))
      .limited(to: extent.planFolds)
    var settings = settings
    settings.effort = extent.planEffort
    return try folds.map { fold in
      var rounding = try SequentialRounding(
        reference: model, student: student, samples: fold.training.map { samples.feeds[$0] },
        settings: settings, pool: pool)
      let result = try rounding.run(layers, bits: bits)
      let held = fold.held.map { samples.feeds[$0] }
      let flow = NetworkFlow(student, samples: held, pool: pool)
      flow.replace(weights: result.weights, biases: result.biases)
      let expected = try NetworkFlow(model, samples: held, pool: pool).finish()
      return OutputDistance(reference: expected, of: held).distance(to: try flow.finish())
    }
  }
}
