/// Searches the two edges of a range in turn, each over hundredths of its widest value while the
/// other stays.
struct EdgeSearch {
  var rounds: Int
  /// By how much a narrower range must be better to be taken.
  var margin = 0.0

  /// The best range inside that of `histogram` and around zero; `damage` judges one.
  func range(
    of histogram: ValueHistogram, damage: (_ low: Double, _ high: Double) -> Double
  ) -> ClosedRange<Float> {
    let widest = (low: Double(min(histogram.minimum, 0)), high: Double(max(histogram.maximum, 0)))
    var range = widest
    for _ in 0..<rounds {
      range.high = bestEdge(widest.high) { damage(range.low, $0) }
      range.low = bestEdge(widest.low) { damage($0, range.high) }
    }
    return Float(range.low)...Float(range.high)
  }

  private func bestEdge(_ widest: Double, _ damage: (Double) -> Double) -> Double {
    guard widest != 0 else { return 0 }
    var best = (edge: widest, damage: damage(widest))
    for step in 1..<100 {
      let edge = widest * Double(100 - step) / 100
      let value = damage(edge)
      if value < best.damage - margin { best = (edge, value) }
    }
    return best.edge
  }
}
