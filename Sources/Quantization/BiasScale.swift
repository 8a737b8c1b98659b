/// A layer's bias is int32 with scale `s_x * s_w[c]`: the weight scale must be coarse enough for
/// the bias to fit.
public enum BiasScale {
  /// Biases stay below 2^30, which leaves the accumulator as much room again.
  static let largestBias: Float = 0x1p30

  /// The smallest weight scale of each channel that keeps its bias in range.
  public static func floors(
    bias: [Float]?, channels: Int, inputScale: Float
  ) -> [Float] {
    let smallest = WeightQuantizer.smallestScale
    guard let bias, bias.count == channels, inputScale > 0 else {
      return Array(repeating: smallest, count: channels)
    }
    return bias.map { max(abs($0) / inputScale / largestBias, smallest) }
  }
}
