import CFloatKernels

/// Finds the scale of least squared rounding error of one row.
struct ScaleSearch {
  let weights: UnsafePointer<Float>
  let importance: UnsafePointer<Float>?
  let count: Int
  let low: Int32
  let high: Int32

  /// The best of `widest * candidate` after refinement; never below `floor`.
  func best(widest: Float, candidates: [Float], floor: Float) -> Float {
    var best = (scale: max(widest, floor), error: Float.infinity)
    for candidate in candidates {
      let fit = refitted(max(widest * candidate, floor), floor: floor)
      if fit.error < best.error { best = fit }
    }
    for _ in 0..<8 {
      let fit = refitted(best.scale, floor: floor)
      guard fit.error < best.error * (1 - 1e-4) else { break }
      best = fit
    }
    return best.scale
  }

  /// Rounds at `scale`, then fits the scale to these integers. With e the error at `scale`, the
  /// error at the fitted one is e - (cross - scale power)^2 / power; rounding anew can only lower it.
  private func refitted(_ scale: Float, floor: Float) -> (scale: Float, error: Float) {
    let sums = fk_rounding_sums_of(weights, importance, count, scale, low, high)
    let fitted = sums.cross / sums.power
    guard fitted.isFinite, fitted > floor else { return (scale, sums.error) }
    let slope = sums.cross - scale * sums.power
    return (fitted, max(sums.error - slope * slope / sums.power, 0))
  }
}
