public import ProxySearch

/// What a search came to; JSON keys in snake case.
public struct SearchReport: Sendable, Encodable {
  public struct Found: Sendable, Encodable {
    public var name: String
    public var thought: String
    public var formula: String
    public var fitness: Double
    public var correlation: Double
    public var fidelity: Double
    public var cost: Double
    public var networks: [NetworkVerdict]

    init?(_ candidate: Candidate) {
      guard let verdict = candidate.verdict else { return nil }
      name = candidate.name
      thought = candidate.thought
      formula = candidate.formula
      fitness = verdict.fitness
      correlation = verdict.correlation
      fidelity = verdict.fidelity
      cost = verdict.cost
      networks = verdict.networks
    }
  }

  public var output: String
  public var proxy: String
  public var generator: String
  public var seed: Int
  /// From the fittest on; the first is the one that was written.
  public var population: [Found]
  public var generations: [SearchGeneration]
  public var replies: Int
  /// Of these, taken from the log.
  public var resumed: Int
  public var failures: Int
  public var promptTokens: Int
  public var completionTokens: Int
  /// In dollars; nil without `--llm-price`.
  public var cost: Double?
  /// Of the search itself, without the measuring of random plans.
  public var seconds: Double

  private enum CodingKeys: String, CodingKey {
    case output, proxy, generator, seed, population, generations, replies, resumed, failures, cost
    case seconds
    case promptTokens = "prompt_tokens"
    case completionTokens = "completion_tokens"
  }

  init(
    _ result: SearchResult, proxy: Proxy, options: SearchOptions, resumed: Int, seconds: Double
  ) {
    output = options.output
    self.proxy = proxy.name
    generator = options.generator.name
    seed = options.settings.seed
    population = result.population.compactMap(Found.init)
    generations = result.generations
    replies = result.replies
    self.resumed = resumed
    failures = result.failures
    promptTokens = result.promptTokens
    completionTokens = result.completionTokens
    cost = options.price.map { price in
      (Double(result.promptTokens) * price.prompt
        + Double(result.completionTokens) * price.completion) / 1e6
    }
    self.seconds = seconds
  }
}
