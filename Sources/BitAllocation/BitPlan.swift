public import Quantization

/// The widths that an allocation chose.
public struct BitPlan: Sendable, Codable, Equatable {
  /// By layer name.
  public var precisions: [String: Precision]
  /// The sum of the layers' damage.
  public var damage: Double
  /// Total cost by resource, fixed part included.
  public var totals: [String: Int]
  /// The resource whose limit keeps the damage from being lower; nil where none does.
  public var binding: String?
  /// How far below `damage` the optimum may lie; 0 is proven optimal.
  public var gap: Double

  public init(
    precisions: [String: Precision], damage: Double, totals: [String: Int], binding: String?,
    gap: Double
  ) {
    self.precisions = precisions
    self.damage = damage
    self.totals = totals
    self.binding = binding
    self.gap = gap
  }

  /// Weight bits by layer name.
  public var bits: [String: Int] { precisions.mapValues(\.weightBits) }
}

extension SensitivityTable {
  /// What the table predicts for a plan; layers and widths that it does not know add nothing.
  public func damage(of plan: BitPlan) -> Double {
    layers.reduce(0) { sum, layer in
      sum + (plan.precisions[layer.name].flatMap(layer.damage(at:)) ?? 0)
    }
  }
}
