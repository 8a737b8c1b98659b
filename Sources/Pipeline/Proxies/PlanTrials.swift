import BitAllocation
import Quantization

/// Quantizes a network by plans and measures what becomes of it, each plan once.
struct PlanTrials {
  let layers: [RandomPlans.Layer]
  /// Outcomes that were on disk.
  private(set) var cached = 0
  /// Of everything that outcomes depend on besides the plan.
  let key: String

  private let study: QuantizationStudy
  private let measurement: PlanMeasurement
  private var cache: OutcomeCache
  /// Position among the layers, by weight.
  private let position: [String: Int]

  init(study: QuantizationStudy, measurement: PlanMeasurement, folder: String) throws {
    self.study = study
    self.measurement = measurement
    let distinct = study.layers.filter { !$0.repeatsWeight }
    layers = distinct.map { layer in
      RandomPlans.Layer(
        name: layer.name, weights: layer.rows.count * layer.rows.length,
        widths: (study.choice.precisions[layer.name] ?? []).weightBits)
    }
    position = Dictionary(
      zip(distinct.map(\.site.weight), distinct.indices), uniquingKeysWith: { first, _ in first })
    key = Self.key(study: study, measurement: measurement)
    cache = try OutcomeCache(folder: folder, key: key)
  }

  mutating func outcome(_ bits: [Int]) throws -> PlanOutcome {
    if let known = cache[bits] {
      cached += 1
      return known
    }
    let chosen = study.layers.compactMap { layer in
      position[layer.site.weight].map { (layer.name, Precision(weightBits: bits[$0])) }
    }
    let plan = study.plan(
      BitPlan(
        precisions: Dictionary(chosen, uniquingKeysWith: { first, _ in first }), damage: 0,
        totals: [:],
        binding: nil, gap: 0))
    let outcome = try measurement.outcome(of: QuantizeStage.lowered(study, plan: plan).model)
    try cache.add(outcome, for: bits)
    return outcome
  }

  private static func key(study: QuantizationStudy, measurement: PlanMeasurement) -> String {
    var print = Fingerprint(
      study.model, options: study.options, ranges: study.ranges, inputs: study.inputs)
    for feed in measurement.feeds { print.add(feed) }
    return print.text
  }
}
