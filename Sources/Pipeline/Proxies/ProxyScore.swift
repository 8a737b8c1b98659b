import Foundation
import GraphIR
import ONNXFormat
public import ProxySearch
import Quantization
import Tensors

/// `tapq proxies score`: random plans of equal size, really quantized and measured, and how well
/// each proxy ranks them without seeing that.
public enum ProxyScore {
  public struct Options: Sendable {
    public var models: [String]
    /// How every model is calibrated and rounded; its model and output are not looked at.
    public var quantize: QuantizeOptions
    /// Bits on average.
    public var budgets: [Double] = [3, 4, 5, 6]
    /// For each budget.
    public var plans = 60
    /// Samples that plans are judged on, besides those of the calibration.
    public var heldOut = 128
    /// Judged besides those that ship.
    public var proxies: [Proxy] = []
    /// Folder of outcomes; nil for the user's cache.
    public var cache: String?

    public init(models: [String], quantize: QuantizeOptions) {
      self.models = models
      self.quantize = quantize
    }
  }

  public static func run(
    _ options: Options,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws -> ProxyScoreReport {
    let shipped = try ProxyLibrary.all()
    let proxies = shipped + options.proxies
    var names: Set<String> = []
    for proxy in proxies where !names.insert(proxy.name).inserted {
      throw ProxyScoreError.duplicate(proxy: proxy.name)
    }
    let networks = try options.models.map { path in
      try ModelError.naming(path) {
        try score(path, proxies: proxies, options: options, progress: progress)
      }
    }
    return ProxyScoreReport(networks: networks, preprocessing: options.quantize.preprocessing)
  }

  private static func score(
    _ path: String, proxies: [Proxy], options: Options,
    progress: @escaping (String, Int, Int) -> Void
  ) throws -> ProxyScoreReport.Network {
    var quantize = options.quantize
    quantize.model = path
    // Any proxy that costs nothing: its sensitivities are not looked at.
    quantize.proxy = try ProxyLibrary.proxy("sum-bits")
    let model = try ONNXFile.load(path: path)
    let source = try SampleSource(
      quantize.calibration, model: model, preprocessing: quantize.preprocessing)
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
    var trial = try PlanTrials(
      study: study, measurement: measurement,
      folder: options.cache ?? OutcomeCache.standardFolder)
    var random = RandomPlans(layers: trial.layers, seed: quantize.seed)
    let budgets = options.budgets.map {
      (bits: $0, plans: random.plans(averageBits: $0, count: options.plans))
    }.filter { $0.plans.count >= 3 }
    guard !budgets.isEmpty else {
      throw ProxyScoreError.noPlans(model: path, budgets: options.budgets)
    }
    let total = budgets.reduce(0) { $0 + $1.plans.count }
    var done = 0
    var measured: [[(bits: [Int], outcome: PlanOutcome, damage: Double)]] = []
    for budget in budgets {
      measured.append(
        try budget.plans.map { bits in
          let outcome = try trial.outcome(bits)
          guard let damage = outcome.damage else {
            throw ProxyScoreError.nothingToCompare(model: path)
          }
          done += 1
          progress("measuring plans of \(path)", done, total)
          return (bits, outcome, damage)
        })
    }
    let names = trial.layers.map(\.name)
    let rows = proxies.map { proxy in
      row(proxy, study: study, names: names, budgets: budgets, measured: measured)
    }
    let weights = Double(trial.layers.reduce(0) { $0 + $1.weights })
    return ProxyScoreReport.Network(
      model: path, calibrationSamples: study.sampleCount, heldOutSamples: indices.count,
      cachedPlans: trial.cached,
      plans: zip(budgets, measured).flatMap { budget, plans in
        plans.map { plan in
          let bits = zip(trial.layers, plan.bits).reduce(0) { $0 + $1.0.weights * $1.1 }
          return .init(
            budget: budget.bits, averageBits: Double(bits) / weights,
            agreement: plan.outcome.agreement, divergence: plan.outcome.divergence,
            bits: Dictionary(zip(names, plan.bits), uniquingKeysWith: { first, _ in first }))
        }
      },
      proxies: rows.sorted { ($1.spearman, $0.proxy) < ($0.spearman, $1.proxy) })
  }

  private static func row(
    _ proxy: Proxy, study: QuantizationStudy, names: [String],
    budgets: [(bits: Double, plans: [[Int]])],
    measured: [[(bits: [Int], outcome: PlanOutcome, damage: Double)]]
  ) -> ProxyScoreReport.Row {
    do {
      let table = try ProxyEvaluation(study.facts).sensitivities(proxy.formula)
      let damage = Dictionary(
        table.layers.map { ($0.name, $0.damage) }, uniquingKeysWith: { first, _ in first })
      let correlations = zip(budgets, measured).map { budget, plans in
        let predicted = plans.map { plan in
          zip(names, plan.bits).reduce(0) { $0 + (damage[$1.0]?[$1.1] ?? 0) }
        }
        let found = plans.map(\.damage)
        return ProxyScoreReport.Correlation(
          averageBits: budget.bits, plans: plans.count,
          spearman: RankCorrelation.spearman(predicted, found),
          kendall: RankCorrelation.kendall(predicted, found),
          spearmanBest50: RankCorrelation.spearman(predicted, found, best: 0.5),
          spearmanBest20: RankCorrelation.spearman(predicted, found, best: 0.2))
      }
      func mean(_ value: (ProxyScoreReport.Correlation) -> Double?) -> Double {
        correlations.reduce(0) { $0 + (value($1) ?? 0) } / Double(correlations.count)
      }
      return .init(
        proxy: proxy.name, budgets: correlations, spearman: mean(\.spearman),
        kendall: mean(\.kendall), spearmanBest50: mean(\.spearmanBest50),
        spearmanBest20: mean(\.spearmanBest20), failure: nil)
    } catch {
      return .init(
        proxy: proxy.name,
        budgets: zip(budgets, measured).map {
          .init(averageBits: $0.bits, plans: $1.count)
        }, spearman: 0, kendall: 0, spearmanBest50: 0, spearmanBest20: 0, failure: "\(error)")
    }
  }
}
