public import Quantization

/// What `tapq quantize` did; JSON keys in snake case.
public struct QuantizeReport: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    public var op: String
    /// Of channel groups the widest.
    public var weightBits: Int
    /// Nil where all channels have one width.
    public var groups: [QuantizationPlan.ChannelGroup]?
    public var activationBits: Int
    /// Predicted or measured damage at these bits: what the report's `proxy` says.
    public var sensitivity: Double
    /// Packed weights, scales and bias.
    public var bytes: Int
    /// Nil without a hardware profile.
    public var predictedMicroseconds: Double?

    fileprivate enum CodingKeys: String, CodingKey {
      case name, op
      case weightBits = "weight_bits"
      case groups
      case activationBits = "activation_bits"
      case sensitivity, bytes
      case predictedMicroseconds = "predicted_us"
    }
  }

  /// An embedding table.
  public struct Table: Sendable, Codable, Equatable {
    /// The initializer that was quantized.
    public var name: String
    public var weightBits: Int
    /// Neighbours within a vector that share a scale.
    public var block: Int
    /// Integers and scales.
    public var bytes: Int

    private enum CodingKeys: String, CodingKey {
      case name
      case weightBits = "weight_bits"
      case block, bytes
    }
  }

  public var output: String
  public var calibrationSamples: Int
  public var weightBytes: Int
  public var fileBytes: Int
  public var peakRAMBytes: Int
  /// No placement of the activations needs less.
  public var ramLowerBoundBytes: Int
  /// Nil without a hardware profile.
  public var predictedLatencyMilliseconds: Double?
  public var averageWeightBits: Double
  /// The limit that keeps the predicted damage from being lower; nil where none does.
  public var bindingConstraint: String?
  /// What the sensitivities are: the name of a proxy; nil for the expected relative squared error of
  /// each layer's output.
  public var proxy: String?
  /// How that proxy compares with measuring; nil where there is nothing to compare.
  public var audit: ProxyAudit?
  public var preprocessing: Preprocessing
  public var layers: [Layer]
  public var tables: [Table]

  fileprivate enum CodingKeys: String, CodingKey {
    case output
    case calibrationSamples = "calibration_samples"
    case weightBytes = "weight_bytes"
    case fileBytes = "file_bytes"
    case peakRAMBytes = "peak_ram_bytes"
    case ramLowerBoundBytes = "ram_lower_bound_bytes"
    case predictedLatencyMilliseconds = "predicted_latency_ms"
    case averageWeightBits = "average_weight_bits"
    case bindingConstraint = "binding_constraint"
    case proxy, audit, preprocessing, layers, tables
  }
}

/// Optional figures are written as null: readers may rely on every key.
extension QuantizeReport {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(output, forKey: .output)
    try container.encode(calibrationSamples, forKey: .calibrationSamples)
    try container.encode(weightBytes, forKey: .weightBytes)
    try container.encode(fileBytes, forKey: .fileBytes)
    try container.encode(peakRAMBytes, forKey: .peakRAMBytes)
    try container.encode(ramLowerBoundBytes, forKey: .ramLowerBoundBytes)
    try container.encode(predictedLatencyMilliseconds, forKey: .predictedLatencyMilliseconds)
    try container.encode(averageWeightBits, forKey: .averageWeightBits)
    try container.encode(bindingConstraint, forKey: .bindingConstraint)
    try container.encode(proxy, forKey: .proxy)
    try container.encode(audit, forKey: .audit)
    try container.encode(preprocessing, forKey: .preprocessing)
    try container.encode(layers, forKey: .layers)
    try container.encode(tables, forKey: .tables)
  }
}

extension QuantizeReport.Layer {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(op, forKey: .op)
    try container.encode(weightBits, forKey: .weightBits)
    try container.encode(groups, forKey: .groups)
    try container.encode(activationBits, forKey: .activationBits)
    try container.encode(sensitivity, forKey: .sensitivity)
    try container.encode(bytes, forKey: .bytes)
    try container.encode(predictedMicroseconds, forKey: .predictedMicroseconds)
  }
}
