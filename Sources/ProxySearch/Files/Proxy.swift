/// A guess at how much a layer suffers at a width: the thought behind it and the formula.
public struct Proxy: Sendable, Equatable {
  /// How its prediction ranked plans of equal size, as it was measured.
  public struct Correlation: Sendable, Equatable, Codable {
    public var network: String
    public var averageBits: Double
    public var spearman: Double

    public init(network: String, averageBits: Double, spearman: Double) {
      self.network = network
      self.averageBits = averageBits
      self.spearman = spearman
    }
  }

  public var name: String
  public var thought: String
  /// As it was written.
  public var source: String
  public var formula: Expression
  public var provenance: String
  public var correlations: [Correlation]
}
