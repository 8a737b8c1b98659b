public import Quantization

/// The range of an activation that disturbs least what limits let through of its sum with another one.
///
/// With `y = x + o` cut off to `[lower, upper]`, the error that counts is that of
/// `min(max(Q(x) + o, lower), upper)`: values that the limits take away anyhow may be clipped, for
/// finer steps of the others. Those others are hardly to be clipped: that moves all of them the same
/// way, where rounding averages out in the layers behind.
public struct LimitedSumRange {
  private let operand: [Float]
  private let other: [Float]
  private let sums: [Float]
  private let lower: Float
  private let upper: Float

  /// `operand` and `other`: elements of the two values in the same places. Nil where they are not.
  public init?(operand: [Float], other: [Float], lower: Float?, upper: Float?) {
    guard !operand.isEmpty, operand.count == other.count else { return nil }
    let (lower, upper) = (lower ?? -.infinity, upper ?? .infinity)
    (self.operand, self.other) = (operand, other)
    (self.lower, self.upper) = (lower, upper)
    sums = zip(operand, other).map { min(max($0 + $1, lower), upper) }
  }

  /// The best of the ranges around `guess` and inside `widest`; `quantizer` makes one into the
  /// parameters that it would have.
  public func range(
    around guess: ClosedRange<Float>, within widest: ClosedRange<Float>,
    quantizer: (ClosedRange<Float>) -> AffineParameters
  ) -> ClosedRange<Float> {
    EdgeRefinement(rounds: 4).range(around: guess, within: widest) { damage(quantizer($0)) }
  }

  private func damage(_ quantizer: AffineParameters) -> Double {
    let inside = quantizer.representable
    return operand.indices.reduce(0) { total, index in
      let value = quantizer.dequantize(quantizer.quantize(operand[index])) + other[index]
      let error = Double(min(max(value, lower), upper) - sums[index])
      return total + error * error * (inside.contains(operand[index]) ? 1 : Self.clippingWeight)
    }
  }

  private static let clippingWeight = 100.0
}
