/// How good a network is on samples, and how close to a reference network.
public struct EvaluationReport: Sendable, Equatable {
  /// How one output differs from the reference's output of the same name.
  public struct Output: Sendable, Codable, Equatable {
    public var name: String
    /// Signal to quantization noise ratio over all samples; 200 where nothing differs.
    public var sqnrDecibels: Double
    public var largestDifference: Double

    private enum CodingKeys: String, CodingKey {
      case name
      case sqnrDecibels = "sqnr_db"
      case largestDifference = "max_abs_difference"
    }
  }

  public var samples: Int
  /// Fractions of the samples; nil without labels, or where the first output is no classes.
  public var top1: Double?
  public var referenceTop1: Double?
  /// Fraction of the samples for which both networks choose the same class.
  public var agreement: Double?
  /// Of the first output.
  public var sqnrDecibels: Double?
  /// Mean Kullback-Leibler divergence of the class distribution from the reference's, in nats.
  public var divergence: Double?
  public var outputs: [Output]
  public var preprocessing: Preprocessing
}

extension EvaluationReport: Encodable {
  private enum Key: String, CodingKey {
    case samples, top1, agreement, kl, outputs, preprocessing
    case referenceTop1 = "reference_top1"
    case sqnrDecibels = "sqnr_db"
  }

  /// All keys are always there, with null where there is no figure.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(samples, forKey: .samples)
    try container.encode(top1, forKey: .top1)
    try container.encode(referenceTop1, forKey: .referenceTop1)
    try container.encode(agreement, forKey: .agreement)
    try container.encode(sqnrDecibels, forKey: .sqnrDecibels)
    try container.encode(divergence, forKey: .kl)
    try container.encode(outputs, forKey: .outputs)
    try container.encode(preprocessing, forKey: .preprocessing)
  }
}
