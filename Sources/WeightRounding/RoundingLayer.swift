public import Calibration
public import Quantization

/// A layer whose weight is rounded.
public struct RoundingLayer: Sendable {
  /// `QuantizationPlan.Layer.name`.
  public let name: String
  public let rows: WeightRows
  public let observed: ObservedLayer
  /// The initializer that holds the bias, where this layer alone reads it.
  public let bias: String?
  /// The smallest value allowed to each scale at 8 bits, `[rows, blocks]`.
  public let scaleFloors: [Float]

  public init(
    name: String, rows: WeightRows, observed: ObservedLayer, bias: String?, scaleFloors: [Float]
  ) {
    self.name = name
    self.rows = rows
    self.observed = observed
    self.bias = bias
    self.scaleFloors = scaleFloors
  }

  /// The initializer that is quantized.
  public var weight: String { rows.name }
}
