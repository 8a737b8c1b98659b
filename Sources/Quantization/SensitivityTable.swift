/// Predicted damage of every layer at every width it may take; lower is better, additive over
/// layers.
public struct SensitivityTable: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    /// `QuantizationPlan.Layer.name`.
    public var name: String
    /// Damage by weight bits.
    public var damage: [Int: Double]

    public init(name: String, damage: [Int: Double]) {
      self.name = name
      self.damage = damage
    }
  }

  public var layers: [Layer]

  public init(layers: [Layer]) { self.layers = layers }
}
