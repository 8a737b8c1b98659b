public import Tensors

/// Scalar statement of `QuantizeLinear` and `DequantizeLinear`; float32 throughout.
extension AffineParameters {
  /// The integers: the lowest of the element type, as many as the width has.
  public var range: ClosedRange<Int> {
    AffineParameters.integers(of: elementType, bits: bits)
  }

  private static func integers(of elementType: ElementType, bits: Int) -> ClosedRange<Int> {
    let all = elementType.integerRange ?? 0...255
    guard (1..<elementType.bitWidth).contains(bits) else { return all }
    return all.lowerBound...all.lowerBound + (1 << bits) - 1
  }

  /// `saturate(round_half_even(x / scale) + zeroPoint)`.
  public func quantize(_ value: Float) -> Int {
    let rounded = (value / scale).rounded(.toNearestOrEven)
    guard !rounded.isNaN else { return min(max(zeroPoint, range.lowerBound), range.upperBound) }
    let shifted = rounded + Float(zeroPoint)
    return Int(min(max(shifted, Float(range.lowerBound)), Float(range.upperBound)))
  }

  /// `(q - zeroPoint) * scale`.
  public func dequantize(_ integer: Int) -> Float { Float(integer - zeroPoint) * scale }

  /// The reals that are represented without clipping.
  public var representable: ClosedRange<Float> {
    dequantize(range.lowerBound)...dequantize(range.upperBound)
  }

  /// The finest parameters that cover `low...high` and zero; zero is represented exactly.
  ///
  /// The zero point is rounded, so an edge may be cut by up to half a step. A range that starts at
  /// zero keeps the lowest integer as its zero point, which is what lets runtimes absorb a Relu.
  public static func covering(
    low: Float, high: Float, elementType: ElementType = .uint8, bits: Int = 8
  ) -> AffineParameters {
    let integers = integers(of: elementType, bits: bits)
    let (low, high) = (min(low, 0), max(high, 0))
    let steps = Float(integers.upperBound - integers.lowerBound)
    // Halved first: the width of the largest finite range overflows.
    let scale = (high / steps) - (low / steps)
    guard scale >= smallestScale, scale.isFinite else {
      return AffineParameters(
        scale: scale.isFinite
          ? (low < 0 || high > 0 ? smallestScale : 1) : .greatestFiniteMagnitude,
        zeroPoint: integers.lowerBound, elementType: elementType, bits: bits)
    }
    let offset = (-low / scale).rounded(.toNearestOrEven)
    let zeroPoint = integers.lowerBound + Int(min(max(offset, 0), steps))
    return AffineParameters(
      scale: scale, zeroPoint: zeroPoint, elementType: elementType, bits: bits)
  }

  /// The finest parameters with the zero point in the middle that cover the magnitude.
  public static func centered(
    magnitude: Float, elementType: ElementType = .uint8, bits: Int = 8
  ) -> AffineParameters {
    let integers = integers(of: elementType, bits: bits)
    let steps = (integers.upperBound - integers.lowerBound) / 2
    var result = covering(
      low: 0, high: magnitude / Float(steps) * Float(2 * steps + 1), elementType: elementType,
      bits: bits)
    result.zeroPoint = integers.upperBound - steps
    return result
  }

  /// Below it the products of scales that integer layers use would not be normal numbers.
  static let smallestScale: Float = 0x1p-60
}
