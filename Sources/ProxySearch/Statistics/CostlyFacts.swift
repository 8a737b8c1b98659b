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

  /// A layer's integers with error feedback, from its position and those rounded to nearest.
  public var feedbackForm: (_ layer: Int, _ form: QuantizedWeight) throws -> QuantizedWeight
  /// By layer position and bits.
  public var measurements: () throws -> [[Int: Measurement]]
  /// Linear CKA of the features of each pair of layers, `[layers][layers]`.
  public var similarities: () throws -> [[Double]]

  public init(
    feedbackForm: @escaping (_ layer: Int, _ form: QuantizedWeight) throws -> QuantizedWeight,
    measurements: @escaping () throws -> [[Int: Measurement]],
    similarities: @escaping () throws -> [[Double]]
  ) {
    self.feedbackForm = feedbackForm
    self.measurements = measurements
    self.similarities = similarities
  }
}
