/// Predicted damage of every layer at every width it may take; lower is better, additive over
/// layers.
public struct SensitivityTable: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    /// `QuantizationPlan.Layer.name`.
    public var name: String
    /// Damage by weight bits.
    public var damage: [Int: Double]
    /// What an input of fewer bits adds, by activation bits; nothing where there is no entry.
    public var inputDamage: [Int: Double]

    public init(name: String, damage: [Int: Double], inputDamage: [Int: Double] = [:]) {
      self.name = name
      self.damage = damage
      self.inputDamage = inputDamage
    }

    /// Of weights and input together; nil for weights of a width without an entry.
    public func damage(at precision: Precision) -> Double? {
      damage[precision.weightBits].map { $0 + (inputDamage[precision.activationBits] ?? 0) }
    }
  }

  public var layers: [Layer]

  public init(layers: [Layer]) { self.layers = layers }
}
