/// How a search goes.
public struct SearchSettings: Sendable, Equatable {
  /// After the first, which has no parents.
  public var generations = 5
  public var population = 10
  /// Replies that a place in a generation may take.
  public var attempts = 3
  public var fitness = Fitness()
  public var controller = TemplateController.Kind.dpo
  public var seed = 0
  /// A formula that ranks the plans of the first network worse is tried on no other.
  public var leastCorrelation = 0.0

  public init() {}
}

/// What a generation came to.
public struct SearchGeneration: Sendable, Codable, Equatable {
  public var generation: Int
  /// Of the population, after the generation.
  public var bestFitness: Double
  public var meanFitness: Double
  /// What the controller chose by, by template.
  public var controller: [String: Double]
  /// Places that each template got.
  public var chosen: [String: Int]
  /// Replies that gave no proxy.
  public var failures: Int

  private enum CodingKeys: String, CodingKey {
    case generation, controller, chosen, failures
    case bestFitness = "best_fitness"
    case meanFitness = "mean_fitness"
  }
}

/// What a search found.
public struct SearchResult: Sendable, Equatable {
  public var best: Candidate
  /// From the fittest on.
  public var population: [Candidate]
  public var generations: [SearchGeneration]
  public var replies: Int
  public var failures: Int
  public var promptTokens: Int
  public var completionTokens: Int
}

/// Where a search is.
public struct SearchProgress: Sendable {
  public var generation: Int
  public var done: Int
  public var count: Int
  public var bestFitness: Double?
  public var controller: [Double]
}
