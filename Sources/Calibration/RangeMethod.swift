/// How the range of an activation quantizer is read off a histogram.
public enum RangeMethod: Sendable, Codable, Hashable {
  /// All values.
  case minMax
  /// All but this share of the values on each side, for example 0.0001.
  case percentile(outside: Double)
  /// Least squared error: rounding within the range, clipping outside. Here and with `output`, of values
  /// whose sum with another is cut off, that of what is left (`LimitedSumRange`).
  case mse
  /// Least Kullback-Leibler divergence between the values and their quantized form.
  case entropy
  /// Least squared error at the outputs of the layers that read the values (`OutputErrorRange`);
  /// of values that no layer reads, and as a first guess, that of `mse`.
  case output

  /// Whether summands take the range of what is let through of their sum.
  public var regardsLimitedSums: Bool { self == .mse || self == .output }

  /// Reads `minmax`, `mse`, `entropy`, `output`, `percentile` or `percentile:99.9`.
  public init?(_ text: String) {
    switch text {
    case "minmax": self = .minMax
    case "mse": self = .mse
    case "entropy": self = .entropy
    case "output": self = .output
    case "percentile": self = .percentile(outside: 0.0001)
    default:
      guard text.hasPrefix("percentile:"), let percent = Double(text.dropFirst(11)),
        percent > 50, percent <= 100
      else { return nil }
      self = .percentile(outside: (100 - percent) / 100)
    }
  }

  /// The range for an integer grid of `levels` values; contains zero.
  public func range(of histogram: ValueHistogram, levels: Int = 256) -> ClosedRange<Float> {
    let low = min(histogram.minimum, 0)
    let high = max(histogram.maximum, 0)
    guard low < high else { return low...high }
    return switch self {
    case .minMax: low...high
    case .percentile(let outside): PercentileRange(outside: outside).range(of: histogram)
    case .mse, .output: SquaredErrorRange(levels: levels).range(of: histogram)
    case .entropy: EntropyRange(levels: levels).range(of: histogram)
    }
  }
}

/// Cuts a share of the values off each side, interpolating within a bin.
struct PercentileRange {
  let outside: Double

  func range(of histogram: ValueHistogram) -> ClosedRange<Float> {
    let allowed = outside * Double(histogram.count)
    let bins = histogram.occupiedBins
    var left = allowed
    var low = Double(min(histogram.minimum, 0))
    for bin in bins {
      guard bin.high <= 0 else { break }
      if bin.count > left {
        low = bin.low + (bin.high - bin.low) * left / bin.count
        break
      }
      left -= bin.count
      low = bin.high
    }
    var right = allowed
    var high = Double(max(histogram.maximum, 0))
    for bin in bins.reversed() {
      guard bin.low >= 0 else { break }
      if bin.count > right {
        high = bin.high - (bin.high - bin.low) * right / bin.count
        break
      }
      right -= bin.count
      high = bin.low
    }
    return Float(min(low, 0))...Float(max(high, 0))
  }
}
