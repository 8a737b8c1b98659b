/// The widths that an allocation chose.
public struct BitPlan: Sendable, Codable, Equatable {
  /// Weight bits by layer name.
  public var bits: [String: Int]
  /// The sum of the layers' damage.
  public var damage: Double
  /// Total cost by resource, fixed part included.
  public var totals: [String: Int]
  /// The resource whose limit keeps the damage from being lower; nil where none does.
  public var binding: String?
  /// How far below `damage` the optimum may lie; 0 is proven optimal.
  public var gap: Double

  public init(
    bits: [String: Int], damage: Double, totals: [String: Int], binding: String?, gap: Double
  ) {
    self.bits = bits
    self.damage = damage
    self.totals = totals
    self.binding = binding
    self.gap = gap
  }
}
