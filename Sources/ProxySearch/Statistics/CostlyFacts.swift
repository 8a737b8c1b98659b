public import Quantization

/// Facts that take more than the calibration pass, computed when a formula first asks for them.
public struct CostlyFacts {
  /// What rounding one layer does to the network's outputs.
  public struct Measurement: Sendable, Equatable {
    public var distance: Double
    public var smoothed: Double
    public var divergence: Double
    public var noise: Double

    public init(distance: Double, smoothed: Double, divergence: Double, noise: Double) {
      self.distance = distance
      self.smoothed = smoothed
      self.divergence = divergence
      self.noise = noise
    }
  }

  /// A plan, rounded whole.
  public struct Trial: Sendable, Equatable {
    /// By layer position.
    public var widths: [Int]
    /// Of the network's outputs from those of the float network on samples that the rounding has not
    /// seen, for several parts of the samples.
    public var distances: [Double]

    public init(widths: [Int], distances: [Double]) {
      self.widths = widths
      self.distances = distances
    }
  }

  /// A layer's integers with error feedback, from its position and those rounded to nearest.
  public var feedbackForm: (_ layer: Int, _ form: QuantizedWeight) throws -> QuantizedWeight
  /// By layer position and bits.
  public var measurements: () throws -> [[Int: Measurement]]
  /// Random plans; none where there is no time for them.
  public var trials: () throws -> [Trial]
  /// Linear CKA of the features of each pair of layers, `[layers][layers]`.
  public var similarities: () throws -> [[Double]]

  /// What going back from a loss tells of each layer, by position.
  public var gradients: () throws -> [GradientFacts]
  /// Trace of each layer's block of the Hessian.
  public var traces: () throws -> [Double]
  /// Largest eigenvalue of each layer's block of the Hessian.
  public var eigenvalues: () throws -> [Double]
  /// Gradient of the sum of the outputs for inputs of one, by layer, in the order of the rows.
  public var virtualGradients: () throws -> [[Float]]
  /// `sum |W dR/dW|` of each layer, `R` the sum of the outputs of the network of all magnitudes.
  public var synapticFlows: () throws -> [Double]
  /// Trace of the Hessian of each layer's local loss.
  public var localTraces: () throws -> [Double]
  /// Distance of the network's outputs with one layer pruned, and with noise on one layer's weights.
  public var prunedDistances: () throws -> [Double]
  public var disturbedDistances: () throws -> [Double]

  public init(
    feedbackForm: @escaping (_ layer: Int, _ form: QuantizedWeight) throws -> QuantizedWeight,
    measurements: @escaping () throws -> [[Int: Measurement]],
    trials: @escaping () throws -> [Trial],
    similarities: @escaping () throws -> [[Double]],
    gradients: @escaping () throws -> [GradientFacts],
    traces: @escaping () throws -> [Double], eigenvalues: @escaping () throws -> [Double],
    virtualGradients: @escaping () throws -> [[Float]],
    synapticFlows: @escaping () throws -> [Double],
    localTraces: @escaping () throws -> [Double],
    prunedDistances: @escaping () throws -> [Double],
    disturbedDistances: @escaping () throws -> [Double]
  ) {
    self.feedbackForm = feedbackForm
    self.measurements = measurements
    self.trials = trials
    self.similarities = similarities
    self.gradients = gradients
    self.traces = traces
    self.eigenvalues = eigenvalues
    self.virtualGradients = virtualGradients
    self.synapticFlows = synapticFlows
    self.localTraces = localTraces
    self.prunedDistances = prunedDistances
    self.disturbedDistances = disturbedDistances
  }
}
