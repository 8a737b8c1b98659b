import Foundation

/// A layer's bias is int32 with scale `s_x * s_w[c]`: the weight scale must be coarse enough for
/// the bias to fit.
///
/// Kernels of b-bit weights hold them in the upper bits of a byte, so that their sums are `2^(8-b)`
/// times as large: a bias beyond `2^(22+b)` would force such weights into wider ones.
public enum BiasScale {
  /// Half of what the accumulator holds; the other half is for the products.
  public static func largestBias(bits: Int) -> Float { 0x1p30 / ratio(bits: bits) }

  /// The smallest weight scale of each channel that keeps its bias in range, at 8 bits.
  public static func floors(
    bias: [Float]?, channels: Int, inputScale: Float
  ) -> [Float] {
    let smallest = WeightQuantizer.smallestScale
    guard let bias, bias.count == channels, inputScale > 0 else {
      return Array(repeating: smallest, count: channels)
    }
    return bias.map { max(abs($0) / inputScale / largestBias(bits: 8), smallest) }
  }

  /// The smallest scales at `bits`, from those at 8 bits.
  public static func floors(_ floors: [Float], bits: Int) -> [Float] {
    floors.map { $0 * ratio(bits: bits) }
  }

  private static func ratio(bits: Int) -> Float { exp2(Float(8 - bits)) }
}
