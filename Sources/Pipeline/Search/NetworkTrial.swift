import BitAllocation
import Foundation
import ProxySearch
import Quantization

/// Judges formulas on one network: how they rank random plans of equal size, and how good the plans
/// are that they lead to. Plans are quantized and measured once, whatever formula leads to them.
final class NetworkTrial {
  let name: String
  /// Of everything that verdicts depend on.
  let fingerprint: String
  private var benchmark: PlanBenchmark
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
    name = URL(fileURLWithPath: network.model).deletingPathExtension().lastPathComponent
    var benchmark = try PlanBenchmark(
      quantize, heldOut: options.heldOut, cache: options.cache, progress: progress)
    let choice = benchmark.study.choice
    let limits = choice.limits
    targets = limits.isEmpty ? options.budgets.map { [choice.averageLimit($0)] } : [limits]
    // Whether they can be met, before anything is measured.
    for target in targets { try choice.checkFeasible(target) }
    try benchmark.measure(
      averageBits: options.budgets, count: options.plans, progress: progress)
    fingerprint = benchmark.trials.key
    self.benchmark = benchmark
  }

  func judge(_ formula: ProxySearch.Expression) throws -> NetworkVerdict {
    let table = try ProxyEvaluation(benchmark.study.facts).sensitivities(formula)
    let correlations = zip(benchmark.budgets, benchmark.predictions(table)).map {
      budget, predicted in
      RankCorrelation.spearman(predicted, budget.plans.map(\.damage)) ?? 0
    }
    let outcomes = try benchmark.outcomes(table, limits: targets)
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
