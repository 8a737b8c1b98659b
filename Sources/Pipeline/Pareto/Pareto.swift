import BitAllocation
import Foundation

/// `tapq pareto`: the best plan of every size.
public enum Pareto {
  /// A plan that no other one beats in size, time and damage at once.
  public struct Point: Sendable, Codable, Equatable {
    public var weightBytes: Int
    public var averageWeightBits: Double
    /// Nil without a profile that has kernel costs.
    public var predictedLatencyMilliseconds: Double?
    /// Sum of the layers' expected relative squared output errors.
    public var damage: Double
    /// Of weights, by layer name.
    public var bits: [String: Int]
    /// Of the layers' inputs.
    public var activationBits: [String: Int]

    private enum CodingKeys: String, CodingKey {
      case damage, bits
      case weightBytes = "weight_bytes"
      case averageWeightBits = "average_weight_bits"
      case activationBits = "activation_bits"
      case predictedLatencyMilliseconds = "predicted_latency_ms"
    }
  }

  public struct Report: Sendable, Codable, Equatable {
    public var model: String
    public var profile: String?
    /// From the smallest to the largest.
    public var points: [Point]
  }

  /// `count` budgets, spread evenly between the smallest and the largest plan; those that lead to
  /// the same plan give one point. The limits of the request hold for all of them.
  public static func run(
    _ options: QuantizeOptions, points count: Int,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws -> Report {
    let study = try QuantizationStudy.ofEveryWidth(options, progress: progress)
    return try ModelError.naming(options.model) {
      let choice = study.choice
      let widths = choice.precisions.values.joined().map(\.weightBits)
      let least = Double(widths.min() ?? 2)
      let most = Double(widths.max() ?? 8)
      var points: [Point] = []
      for step in 0..<count {
        let average = least + (most - least) * Double(step) / Double(max(count - 1, 1))
        guard
          let plan = try? choice.allocate(
            study.sensitivities, limits: choice.limits + [choice.averageLimit(average)])
        else { continue }
        points.append(point(plan, choice))
      }
      if points.isEmpty {
        // Where the one average that was asked for is narrower than some layer can be.
        points.append(point(try choice.allocate(study.sensitivities), choice))
      }
      return Report(
        model: options.model, profile: options.device.profile?.name, points: frontier(points))
    }
  }

  private static func point(_ plan: BitPlan, _ choice: BitChoice) -> Point {
    let weights = choice.layers.reduce(0) { $0 + BitChoice.weightCount($1) }
    let hasLatency = choice.device?.hasLatency ?? false
    return Point(
      weightBytes: plan.totals[BitChoice.flash] ?? 0,
      averageWeightBits: Double(plan.totals[BitChoice.averageBits] ?? 0) / Double(max(weights, 1)),
      predictedLatencyMilliseconds: hasLatency
        ? Double(plan.totals[BitChoice.latency] ?? 0) / 1e6 : nil, damage: plan.damage,
      bits: plan.bits, activationBits: plan.precisions.mapValues(\.activationBits))
  }

  static func frontier(_ points: [Point]) -> [Point] {
    var kept: [Point] = []
    for point in points.sorted(by: { ($0.weightBytes, $0.damage) < ($1.weightBytes, $1.damage) }) {
      let isBeaten = kept.contains { other in
        other.weightBytes <= point.weightBytes && other.damage <= point.damage
          && other.predictedLatencyMilliseconds ?? 0 <= point.predictedLatencyMilliseconds ?? 0
      }
      if !isBeaten { kept.append(point) }
    }
    return kept
  }
}
