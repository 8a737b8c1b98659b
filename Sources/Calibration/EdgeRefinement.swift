/// Moves the two edges of a range in turn, by factors, as long as that does less damage.
struct EdgeRefinement {
  var rounds: Int

  /// The best range around `guess` and inside `widest`, which is taken to reach zero.
  func range(
    around guess: ClosedRange<Float>, within widest: ClosedRange<Float>,
    damage: (ClosedRange<Float>) -> Double
  ) -> ClosedRange<Float> {
    var best = (range: guess, damage: damage(guess))
    func attempt(_ low: Float, _ high: Float) {
      let range = max(low, min(widest.lowerBound, 0))...min(high, max(widest.upperBound, 0))
      guard range != best.range else { return }
      let value = damage(range)
      if value < best.damage * Self.margin { best = (range, value) }
    }
    for _ in 0..<rounds {
      let (low, high) = (best.range.lowerBound, best.range.upperBound)
      if high > 0 { for factor in Self.factors { attempt(best.range.lowerBound, high * factor) } }
      if low < 0 { for factor in Self.factors { attempt(low * factor, best.range.upperBound) } }
      if low == best.range.lowerBound, high == best.range.upperBound { break }
    }
    return best.range
  }

  private static let factors: [Float] = [0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.2, 1.35, 1.6]
  /// A range is not moved for less than the sample can tell.
  private static let margin = 0.99
}
