public import Quantization

extension QuantizationSites.Activation {
  /// The finest parameters that cover the range, as the site needs them; no scale below `finest`.
  public func parameters(
    low: Float, high: Float, bits: Int = 8, finest: Float = 0
  ) -> AffineParameters {
    var parameters: AffineParameters =
      isCentered
      ? .centered(magnitude: max(abs(low), abs(high)), bits: bits)
      : .covering(low: low, high: high, bits: bits)
    parameters.scale = max(parameters.scale, finest)
    return constrained(parameters)
  }

  /// The nearest parameters whose range lies within the limits.
  ///
  /// ONNX Runtime compares `(qmin - z) * s` and `(qmax - z) * s` in float32, so that the scale is
  /// lowered by single steps until that product fits.
  public func constrained(_ parameters: AffineParameters) -> AffineParameters {
    guard !satisfies(parameters) else { return parameters }
    let range = parameters.range
    var result = parameters
    let low = Float(range.lowerBound - parameters.zeroPoint) * parameters.scale
    let high = Float(range.upperBound - parameters.zeroPoint) * parameters.scale
    let newLow = max(low, lowerLimit ?? low)
    var newHigh = min(high, upperLimit ?? high)
    // The given range lies outside the limits: any range within them serves.
    if newHigh <= newLow { newHigh = upperLimit ?? 1 }
    let steps = Float(range.upperBound - range.lowerBound)
    let scale = (newHigh - newLow) / steps
    guard scale > 0, scale.isFinite else { return parameters }
    let offset = (-newLow / scale).rounded(.toNearestOrEven)
    result.zeroPoint = range.lowerBound + Int(min(max(offset, 0), steps))
    result.scale = scale
    if let lowerLimit, result.zeroPoint > range.lowerBound {
      result.scale = min(result.scale, -lowerLimit / Float(result.zeroPoint - range.lowerBound))
    }
    if let upperLimit, result.zeroPoint < range.upperBound {
      result.scale = min(result.scale, upperLimit / Float(range.upperBound - result.zeroPoint))
    }
    while !satisfies(result), result.scale > .leastNormalMagnitude {
      result.scale = result.scale.nextDown
    }
    return result
  }

  /// The quantized range lies within the limits, computed as ONNX Runtime does, which knows nothing of
  /// widths below that of the type: the writer leaves it no `Clip` to compare with there.
  public func satisfies(_ parameters: AffineParameters) -> Bool {
    let range = parameters.range
    let low = Float(range.lowerBound - parameters.zeroPoint) * parameters.scale
    let high = Float(range.upperBound - parameters.zeroPoint) * parameters.scale
    return low >= lowerLimit ?? low && high <= upperLimit ?? high
  }
}
