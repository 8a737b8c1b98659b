import Foundation

/// The range whose quantized distribution diverges least from the values, by Kullback-Leibler.
///
/// P holds the values with those outside moved into the edge bins; Q spreads the count of each
/// quantization level evenly over its occupied bins.
struct EntropyRange {
  let levels: Int

  func range(of histogram: ValueHistogram) -> ClosedRange<Float> {
    let bins = histogram.occupiedBins
    return EdgeSearch(rounds: 2, margin: 1e-12).range(of: histogram) { low, high in
      divergence(bins, low: low, high: high)
    }
  }

  private func divergence(
    _ bins: [(low: Double, high: Double, count: Double)], low: Double, high: Double
  ) -> Double {
    let inside = bins.filter { $0.high > low && $0.low < high }
    guard !inside.isEmpty, high > low else { return .infinity }
    let below = bins.filter { $0.high <= low }.reduce(0) { $0 + $1.count }
    let above = bins.filter { $0.low >= high }.reduce(0) { $0 + $1.count }
    var reference = inside.map(\.count)
    reference[0] += below
    reference[reference.count - 1] += above
    let step = (high - low) / Double(levels - 1)
    let level = inside.map { bin in
      min(max(Int((((bin.low + bin.high) / 2 - low) / step).rounded()), 0), levels - 1)
    }
    var totals = Array(repeating: 0.0, count: levels)
    var members = Array(repeating: 0.0, count: levels)
    for (index, bin) in inside.enumerated() {
      // Outliers are missing here: that is what makes clipping cost something.
      totals[level[index]] += bin.count
      members[level[index]] += 1
    }
    let total = reference.reduce(0, +)
    let kept = totals.reduce(0, +)
    return zip(reference, level).reduce(0) { sum, pair in
      let (count, level) = pair
      let p = count / total
      let q = totals[level] / members[level] / kept
      return p > 0 && q > 0 ? sum + p * log(p / q) : sum
    }
  }
}
