/// How weights are rounded.
public struct RoundingSettings: Sendable {
  public var effort: RoundingEffort
  public var method: RoundingMethod
  /// On what is added to the diagonals of input moments (`Damping`).
  public var dampingFactor: Float = 1
  /// Weights may change before they are rounded, to take back errors of earlier layers.
  public var correctsErrors = true

  /// Multiply-adds that the input moments of a layer may take, if fewer than the effort's.
  public var mostMomentArithmetic = Int.max

  var momentArithmetic: Int { min(effort.momentArithmetic, mostMomentArithmetic) }

  public init(effort: RoundingEffort, method: RoundingMethod = .gptq) {
    self.effort = effort
    self.method = method
  }
}
