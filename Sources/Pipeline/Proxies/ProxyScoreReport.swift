/// How proxies rank plans of equal size; JSON keys in snake case.
public struct ProxyScoreReport: Sendable, Encodable {
  /// Rank correlations of predicted and measured damage; nil where one of them does not vary.
  public struct Correlation: Sendable, Encodable {
    public var averageBits: Double
    public var plans: Int
    /// Of the plan that the proxy leads to at this size: the mean of agreement and `exp(-KL)`, of outputs
    /// that are no classes `1 / (1 + noise)`; nil where the proxy gives no prediction.
    public var fidelity: Double?
    public var spearman: Double?
    public var kendall: Double?
    /// Among the plans of least measured damage: half of them, a fifth of them.
    public var spearmanBest50: Double?
    public var spearmanBest20: Double?

    private enum CodingKeys: String, CodingKey {
      case plans, fidelity, spearman, kendall
      case averageBits = "average_bits"
      case spearmanBest50 = "spearman_best_50"
      case spearmanBest20 = "spearman_best_20"
    }
  }

  public struct Row: Sendable, Encodable {
    public var proxy: String
    public var budgets: [Correlation]
    /// Means over the budgets; a proxy that does not vary at one counts there as 0.
    public var spearman: Double
    public var kendall: Double
    public var spearmanBest50: Double
    public var spearmanBest20: Double
    public var fidelity: Double
    /// Why it gives no prediction; nil where it does.
    public var failure: String?

    private enum CodingKeys: String, CodingKey {
      case proxy, budgets, spearman, kendall, fidelity, failure
      case spearmanBest50 = "spearman_best_50"
      case spearmanBest20 = "spearman_best_20"
    }
  }

  public struct Plan: Sendable, Encodable {
    public var budget: Double
    public var averageBits: Double
    public var agreement: Double?
    public var divergence: Double?
    public var bits: [String: Int]

    private enum CodingKeys: String, CodingKey {
      case budget, agreement, bits
      case averageBits = "average_bits"
      case divergence = "kl"
    }
  }

  public struct Network: Sendable, Encodable {
    public var model: String
    public var calibrationSamples: Int
    public var heldOutSamples: Int
    /// Plans whose outcome was on disk already.
    public var cachedPlans: Int
    public var plans: [Plan]
    /// From the best to the worst.
    public var proxies: [Row]

    private enum CodingKeys: String, CodingKey {
      case model, plans, proxies
      case calibrationSamples = "calibration_samples"
      case heldOutSamples = "held_out_samples"
      case cachedPlans = "cached_plans"
    }
  }

  public struct Mean: Sendable, Encodable {
    public var proxy: String
    public var spearman: Double
    public var kendall: Double
    /// The lowest Spearman of a network.
    public var lowest: Double
    public var fidelity: Double
  }

  public var networks: [Network]
  /// Over the networks, from the best to the worst.
  public var mean: [Mean]
  public var preprocessing: Preprocessing

  init(networks: [Network], preprocessing: Preprocessing) {
    self.networks = networks
    self.preprocessing = preprocessing
    let names = networks.first?.proxies.map(\.proxy) ?? []
    let count = Double(max(networks.count, 1))
    mean = names.map { name in
      let rows = networks.compactMap { network in
        network.proxies.first { $0.proxy == name }
      }
      return Mean(
        proxy: name, spearman: rows.reduce(0) { $0 + $1.spearman } / count,
        kendall: rows.reduce(0) { $0 + $1.kendall } / count,
        lowest: rows.map(\.spearman).min() ?? 0,
        fidelity: rows.reduce(0) { $0 + $1.fidelity } / count)
    }.sorted { ($1.spearman, $0.proxy) < ($0.spearman, $1.proxy) }
  }
}
