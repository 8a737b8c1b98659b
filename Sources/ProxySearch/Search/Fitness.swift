/// How good a proxy is.
public struct Fitness: Sendable, Codable, Equatable {
  /// The two ways to read TAP's weight alpha (arXiv 2512.07419).
  public enum Reading: String, Sendable, Codable, CaseIterable {
    /// `alpha * correlation + (1 - alpha) * fidelity`
    case mixed
    /// `fidelity + alpha * correlation`
    case added
  }

  public var alpha: Double
  public var reading: Reading
  /// Formulas may read what rounding one layer at a time does to the outputs, at no cost.
  public var readsMeasurements: Bool

  public init(alpha: Double = 0.1, reading: Reading = .mixed, readsMeasurements: Bool = false) {
    self.alpha = alpha
    self.reading = reading
    self.readsMeasurements = readsMeasurements
  }

  public func value(correlation: Double, fidelity: Double, cost: Double) -> Double {
    switch reading {
    case .mixed: alpha * correlation + (1 - alpha) * fidelity - cost
    case .added: fidelity + alpha * correlation - cost
    }
  }

  /// What a formula's length and its reading of one-at-a-time measurements cost.
  public func cost(of formula: Expression) -> Double {
    let isDear = !readsMeasurements && formula.isMeasured
    return 0.0001 * Double(formula.size) + (isDear ? 0.05 : 0)
  }
}

/// What became of a formula on one network.
public struct NetworkVerdict: Sendable, Codable, Equatable {
  public var network: String
  /// Spearman's correlation among random plans of equal size, by size.
  public var correlations: [Double]
  /// How close the plan that the formula leads to stays to the float network, 0 to 1.
  public var fidelity: Double
  /// Means over the plans; nil where the outputs are no classes.
  public var agreement: Double?
  public var divergence: Double?

  public init(
    network: String, correlations: [Double], fidelity: Double, agreement: Double?,
    divergence: Double?
  ) {
    self.network = network
    self.correlations = correlations
    self.fidelity = fidelity
    self.agreement = agreement
    self.divergence = divergence
  }

  public var correlation: Double {
    correlations.isEmpty ? 0 : correlations.reduce(0, +) / Double(correlations.count)
  }
}

/// What became of a formula on all networks.
public struct Verdict: Sendable, Codable, Equatable {
  public var networks: [NetworkVerdict]
  public var correlation: Double
  public var fidelity: Double
  public var cost: Double
  public var fitness: Double

  init(_ networks: [NetworkVerdict], formula: Expression, fitness: Fitness) {
    self.networks = networks
    let count = Double(max(networks.count, 1))
    correlation = networks.reduce(0) { $0 + $1.correlation } / count
    fidelity = networks.reduce(0) { $0 + $1.fidelity } / count
    cost = fitness.cost(of: formula)
    self.fitness = fitness.value(correlation: correlation, fidelity: fidelity, cost: cost)
  }

  /// Formulas with equal ones order and choose alike.
  var signature: [Int] {
    networks.flatMap { $0.correlations + [$0.fidelity] }.map { Int(($0 * 1e9).rounded()) }
  }
}

/// Measures formulas on networks, on samples that the facts of the formulas do not hold.
public protocol FormulaJudge {
  var networkCount: Int { get }
  func judge(_ formula: Expression, network: Int) throws -> NetworkVerdict
}
