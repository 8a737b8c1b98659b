/// What a layer computes with: the width of its weights and that of its quantized input.
public struct Precision: Sendable, Codable, Hashable, Comparable {
  public var weightBits: Int
  public var activationBits: Int

  /// Activations that are not quantized.
  public static let floatBits = 32

  public init(weightBits: Int, activationBits: Int = 8) {
    self.weightBits = weightBits
    self.activationBits = activationBits
  }

  /// Wider activations count more than wider weights.
  public static func < (left: Precision, right: Precision) -> Bool {
    (left.activationBits, left.weightBits) < (right.activationBits, right.weightBits)
  }
}

extension Precision: CustomStringConvertible {
  /// Weights times activations: `4x8`.
  public var description: String { "\(weightBits)x\(activationBits)" }
}

/// The widths that a quantized activation may have.
public enum ActivationRange {
  public static let supportedBits = 2...8
}
