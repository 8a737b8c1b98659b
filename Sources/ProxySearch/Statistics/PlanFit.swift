import Foundation

/// What whole plans say of a formula: where later layers make up for what earlier ones did, or errors
/// add up, sums over layers that were measured one at a time are off, by much the same factor in every
/// plan.
struct PlanFit {
  /// What the formula says of each layer in each plan, `[plans][layers]`.
  let predictions: [[Double]]
  /// What the plans do, for each part of the samples, `[plans][parts]`.
  let distances: [[Double]]

  /// Fewer plans say less than the formula.
  private static let fewestPlans = 16
  /// Square of how far factors lie from 1.
  private static let spread = 0.15
  /// No single plan says that the sum is off by more.
  private static let mostDeviation = 2.0
  /// A layer that does not seem to matter may in other plans.
  private static let leastFactor = 0.1
  private static let sweeps = 200

  /// The factors `c` of the layers that minimize
  /// `sum over plans and parts of (c . x / y - 1)^2 + noise / spread * |c - 1|^2`, `x` the predictions in
  /// the part's scale, `y` the distances and `noise` the square of their relative error, by
  /// coordinate descent. All 1 where too few plans say anything.
  func factors(layers: Int) -> [Double] {
    var factors = Array(repeating: 1.0, count: layers)
    let plans = plans
    guard plans.count >= Self.fewestPlans else { return factors }
    let rows = Self.rows(plans)
    let ridge = Self.noise(plans) / Self.spread
    var residuals = rows.map { $0.reduce(-1, +) }
    let squares = (0..<layers).map { layer in rows.reduce(0) { $0 + $1[layer] * $1[layer] } }
    for _ in 0..<Self.sweeps {
      for layer in 0..<layers {
        let slope =
          zip(rows, residuals).reduce(0) { $0 + $1.0[layer] * $1.1 } + ridge * (factors[layer] - 1)
        let curvature = squares[layer] + ridge
        guard curvature > 0 else { continue }
        let next = max(factors[layer] - slope / curvature, Self.leastFactor)
        let step = next - factors[layer]
        factors[layer] = next
        for index in residuals.indices { residuals[index] += step * rows[index][layer] }
      }
    }
    return factors
  }

  private struct Plan {
    /// Of the layers, with a sum of 1.
    let shares: [Double]
    /// Distances over the prediction, by part.
    let ratios: [Double]
  }

  /// Those that say anything.
  private var plans: [Plan] {
    zip(predictions, distances).compactMap { row, distances in
      let sum = row.reduce(0, +)
      let ratios = distances.map { $0 / sum }
      guard sum > 0, sum.isFinite, ratios.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
      return Plan(shares: row.map { $0 / sum }, ratios: ratios)
    }
  }

  /// `x / y`, for each plan and part.
  private static func rows(_ plans: [Plan]) -> [[Double]] {
    (plans.first?.ratios ?? []).indices.flatMap { part -> [[Double]] in
      let ratios = plans.map { $0.ratios[part] }
      let scale = ratios.sorted()[ratios.count / 2]
      return zip(plans, ratios).map { plan, ratio in
        let deviation = min(max(ratio / scale, 1 / mostDeviation), mostDeviation)
        return plan.shares.map { $0 / deviation }
      }
    }
  }

  /// Of one part, from how the parts of a plan differ.
  private static func noise(_ plans: [Plan]) -> Double {
    let logs = plans.map { plan in plan.ratios.map { log($0) } }
    let pairs = (logs.first ?? []).indices.dropFirst().map { part in
      let differences = logs.map { $0[part] - $0[part - 1] }
      let mean = differences.reduce(0, +) / Double(differences.count)
      return differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        / Double(2 * differences.count)
    }
    return pairs.isEmpty ? spread : pairs.reduce(0, +) / Double(pairs.count)
  }
}
