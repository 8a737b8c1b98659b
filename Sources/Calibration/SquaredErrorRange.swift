/// The range of least expected squared error.
///
/// Values inside are rounded: step^2 / 12 each, zeros excepted. Values outside are clipped: their
/// squared distance to the edge, from the bins' moments. Both edges are searched in turn.
struct SquaredErrorRange {
  let levels: Int

  func range(of histogram: ValueHistogram) -> ClosedRange<Float> {
    let moments = Moments(histogram.occupiedBins)
    return EdgeSearch(rounds: 3).range(of: histogram) { low, high in
      moments.error(low: low, high: high, levels: levels)
    }
  }

  /// Running sums over bins, each bin uniform.
  private struct Moments {
    let bins: [(low: Double, high: Double, count: Double)]
    var sums: [(count: Double, first: Double, second: Double)] = [(0, 0, 0)]

    init(_ bins: [(low: Double, high: Double, count: Double)]) {
      self.bins = bins
      var total = (count: 0.0, first: 0.0, second: 0.0)
      for bin in bins {
        let middle = (bin.low + bin.high) / 2
        let spread = (bin.high - bin.low) * (bin.high - bin.low) / 12
        total.count += bin.count
        total.first += bin.count * middle
        total.second += bin.count * (middle * middle + spread)
        sums.append(total)
      }
    }

    func error(low: Double, high: Double, levels: Int) -> Double {
      // Whole bins count as outside where their middle is.
      let first = partition { ($0.low + $0.high) / 2 >= low }
      let last = partition { ($0.low + $0.high) / 2 > high }
      let step = (high - low) / Double(levels - 1)
      let inside = max(0, sums[max(last, first)].count - sums[first].count)
      return inside * step * step / 12 + distance(0..<first, to: low)
        + distance(max(last, first)..<bins.count, to: high)
    }

    /// The first bin that satisfies a condition which holds for all after it.
    private func partition(_ condition: ((low: Double, high: Double, count: Double)) -> Bool) -> Int
    {
      var (low, high) = (0, bins.count)
      while low < high {
        let middle = (low + high) / 2
        if condition(bins[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }

    private func distance(_ range: Range<Int>, to edge: Double) -> Double {
      let (a, b) = (sums[range.lowerBound], sums[range.upperBound])
      let count = b.count - a.count
      let first = b.first - a.first
      return max(0, (b.second - a.second) - 2 * edge * first + edge * edge * count)
    }
  }
}
