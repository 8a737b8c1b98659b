public import ProxySearch

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
    var benchmark = try PlanBenchmark(
      quantize, heldOut: options.heldOut, cache: options.cache, progress: progress)
    try benchmark.measure(
      averageBits: options.budgets, count: options.plans, progress: progress)
    let cached = benchmark.trials.cached
    let rows = proxies.enumerated().map { index, proxy in
      progress("measuring the plans that proxies lead to", index + 1, proxies.count)
      return row(proxy, &benchmark)
    }
    try benchmark.study.keepStatistics()
    let layers = benchmark.trials.layers
    let names = layers.map(\.name)
    let weights = Double(layers.reduce(0) { $0 + $1.weights })
    return ProxyScoreReport.Network(
      model: path, calibrationSamples: benchmark.study.sampleCount,
      heldOutSamples: benchmark.heldOutSamples, cachedPlans: cached,
      plans: benchmark.budgets.flatMap { budget in
        budget.plans.map { plan in
          let bits = zip(layers, plan.bits).reduce(0) { $0 + $1.0.weights * $1.1 }
          return .init(
            budget: budget.averageBits, averageBits: Double(bits) / weights,
            agreement: plan.outcome.agreement, divergence: plan.outcome.divergence,
            bits: Dictionary(zip(names, plan.bits), uniquingKeysWith: { first, _ in first }))
        }
      },
      proxies: rows.sorted { ($1.spearman, $0.proxy) < ($0.spearman, $1.proxy) })
  }

  private static func row(
    _ proxy: Proxy, _ benchmark: inout PlanBenchmark
  ) -> ProxyScoreReport.Row {
    do {
      let table = try ProxyEvaluation(benchmark.study.facts).sensitivities(proxy.formula)
      let choice = benchmark.study.choice
      let outcomes = try benchmark.outcomes(
        table, limits: benchmark.budgets.map { [choice.averageLimit($0.averageBits)] })
      let predictions = zip(benchmark.budgets, benchmark.predictions(table))
      let correlations = zip(predictions, outcomes).map { sizes, outcome in
        let (budget, predicted) = sizes
        let found = budget.plans.map(\.damage)
        return ProxyScoreReport.Correlation(
          averageBits: budget.averageBits, plans: found.count, fidelity: outcome.fidelity,
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
        spearmanBest20: mean(\.spearmanBest20), fidelity: mean(\.fidelity), failure: nil)
    } catch {
      return .init(
        proxy: proxy.name,
        budgets: benchmark.budgets.map {
          .init(averageBits: $0.averageBits, plans: $0.plans.count)
        }, spearman: 0, kendall: 0, spearmanBest50: 0, spearmanBest20: 0, fidelity: 0,
        failure: "\(error)")
    }
  }
}
