import BitAllocation
import Foundation
import ONNXFormat
import ProxySearch
import Quantization

/// Judges formulas on one network: how they rank random plans of equal size, and how good the plans
/// are that they lead to. Plans are quantized and measured once, whatever formula leads to them.
final class NetworkTrial {
  let name: String
  /// Of everything that verdicts depend on.
  let fingerprint: String
  private let study: QuantizationStudy
  private var trials: PlanTrials
  /// Random plans of every budget with their measured damage.
  private let measured: [[(bits: [Int], damage: Double)]]
  /// The limits of the plans that a formula leads to.
  private let targets: [[Budget.Limit]]

  init(
    _ network: SearchOptions.Network, options: SearchOptions,
    progress: @escaping (String, Int, Int) -> Void
  ) throws {
    var quantize = options.quantize
    quantize.model = network.model
    quantize.calibration = network.calibration
    quantize.preprocessing = network.preprocessing
    // Any proxy that costs nothing: its sensitivities are only asked whether the limits can be met.
    quantize.proxy = try ProxyLibrary.proxy("sum-bits")
    name = URL(fileURLWithPath: network.model).deletingPathExtension().lastPathComponent
    let model = try ONNXFile.load(path: network.model)
    let source = try SampleSource(
      network.calibration, model: model, preprocessing: network.preprocessing)
    let indices = PlanMeasurement.heldOut(
      count: source.count, calibrated: quantize.samples, wanted: options.heldOut)
    guard !indices.isEmpty else {
      throw ProxyScoreError.noHeldOutSamples(
        source: source.name, count: source.count,
        calibrated: min(quantize.samples, source.count))
    }
    let study = try QuantizationStudy(
      model, source: source, options: quantize, everyWidth: true, progress: progress)
    let measurement = try PlanMeasurement(
      reference: study.model, feeds: indices.map { try source.feed($0) },
      threads: quantize.threads)
    var trials = try PlanTrials(
      study: study, measurement: measurement,
      folder: options.cache ?? OutcomeCache.standardFolder)
    let limits = study.choice.limits
    targets =
      limits.isEmpty ? options.budgets.map { [study.choice.averageLimit($0)] } : [limits]
    for target in targets {
      _ = try study.choice.allocate(study.sensitivities, limits: target)
    }
    var random = RandomPlans(layers: trials.layers, seed: options.quantize.seed)
    let budgets = options.budgets.map { random.plans(averageBits: $0, count: options.plans) }
      .filter { $0.count >= 3 }
    guard !budgets.isEmpty else {
      throw ProxyScoreError.noPlans(model: network.model, budgets: options.budgets)
    }
    let total = budgets.reduce(0) { $0 + $1.count }
    var done = 0
    measured = try budgets.map { plans in
      try plans.map { bits in
        guard let damage = try trials.outcome(bits).damage else {
          throw ProxyScoreError.nothingToCompare(model: network.model)
        }
        done += 1
        progress("measuring plans of \(network.model)", done, total)
        return (bits, damage)
      }
    }
    fingerprint = trials.key
    self.study = study
    self.trials = trials
  }

  func judge(_ formula: ProxySearch.Expression) throws -> NetworkVerdict {
    let table = try ProxyEvaluation(study.facts).sensitivities(formula)
    let damage = Dictionary(
      table.layers.map { ($0.name, $0.damage) }, uniquingKeysWith: { first, _ in first })
    let names = trials.layers.map(\.name)
    let correlations = measured.map { plans in
      RankCorrelation.spearman(
        plans.map { plan in
          zip(names, plan.bits).reduce(0) { $0 + (damage[$1.0]?[$1.1] ?? 0) }
        }, plans.map(\.damage)) ?? 0
    }
    let completed = table.completed(study.choice.precisions, names: study.layers.map(\.name))
    let outcomes = try targets.map { target in
      let plan = try study.choice.allocate(completed, limits: target)
      return try trials.outcome(names.map { plan.bits[$0] ?? 8 })
    }
    func mean(_ values: [Double?]) -> Double? {
      let known = values.compactMap { $0 }
      return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }
    return NetworkVerdict(
      network: name, correlations: correlations, fidelity: mean(outcomes.map(\.fidelity)) ?? 0,
      agreement: mean(outcomes.map(\.agreement)), divergence: mean(outcomes.map(\.divergence)))
  }
}

extension PlanOutcome {
  /// 1 for the float network itself, toward 0 for what has nothing to do with it: the mean of the
  /// agreement and of `exp(-KL)`; where outputs are no classes, of the noise.
  var fidelity: Double {
    if let agreement, let divergence { return (agreement + exp(-max(divergence, 0))) / 2 }
    return 1 / (1 + max(noise ?? .infinity, 0))
  }
}

/// All networks of a search.
final class NetworkJudge: FormulaJudge {
  private let trials: [NetworkTrial]

  init(_ trials: [NetworkTrial]) { self.trials = trials }

  var networkCount: Int { trials.count }

  func judge(_ formula: ProxySearch.Expression, network: Int) throws -> NetworkVerdict {
    try trials[network].judge(formula)
  }
}
