import Tensors

/// The search: generations of proxies, each asked for by one of three templates. The same seed and
/// replies give the same result, wherever it was interrupted.
public struct SearchRun {
  private static let shownExamples = 4
  private static let shownFailures = 3

  public let settings: SearchSettings
  private let examples: [Proxy]
  private let source: any ProposalSource
  private let judge: any FormulaJudge
  private let log: SearchLog?
  private let toy: ToyNetwork

  /// `examples` are shown to the first generation.
  public init(
    settings: SearchSettings, examples: [Proxy], source: any ProposalSource,
    judge: any FormulaJudge, log: SearchLog?
  ) throws {
    self.settings = settings
    self.examples = examples
    self.source = source
    self.judge = judge
    self.log = log
    toy = try ToyNetwork()
  }

  public func run(progress: (SearchProgress) -> Void) throws -> SearchResult {
    var population: [Candidate] = []
    var tried: [Candidate] = []
    var controller = TemplateController(settings.controller)
    var generations: [SearchGeneration] = []
    let total = (settings.generations + 1) * settings.population
    for generation in 0...settings.generations {
      let before = controller
      var offspring: [Candidate] = []
      for slot in 0..<settings.population {
        progress(
          SearchProgress(
            generation: generation, done: generation * settings.population + slot, count: total,
            bestFitness: population.first?.fitness, controller: before.probabilities))
        var random = SplitMix64(seed: settings.seed, generation, slot)
        var template = PromptTemplate.initialize
        if generation > 0 { template = controller.choose(&random) }
        if population.count < template.parentCount { template = .initialize }
        for attempt in 0..<settings.attempts {
          let candidate = try self.candidate(
            generation, slot, attempt, template: template, population: population, tried: tried)
          tried.append(candidate)
          if candidate.failure == nil || attempt + 1 == settings.attempts {
            offspring.append(candidate)
            break
          }
        }
      }
      population = survivors(population, offspring)
      if generation > 0 { controller.observe(outcomes(offspring), pulledBefore: before) }
      guard let best = population.first else {
        throw SearchError.nothingFound(tries: tried.count, last: tried.last?.failure ?? "")
      }
      let own = tried.filter { $0.generation == generation }
      generations.append(
        SearchGeneration(
          generation: generation, bestFitness: best.fitness,
          meanFitness: population.reduce(0) { $0 + $1.fitness } / Double(population.count),
          controller: Dictionary(
            uniqueKeysWithValues: zip(
              PromptTemplate.allCases.map(\.rawValue),
              generation == 0 ? [1, 0, 0] : before.probabilities)),
          chosen: Dictionary(grouping: offspring, by: \.template.rawValue).mapValues(\.count),
          failures: own.count { $0.failure != nil }))
    }
    guard let best = population.first else {
      throw SearchError.nothingFound(tries: tried.count, last: tried.last?.failure ?? "")
    }
    return SearchResult(
      best: best, population: population, generations: generations, replies: tried.count,
      failures: tried.count { $0.failure != nil },
      promptTokens: tried.reduce(0) { $0 + $1.promptTokens },
      completionTokens: tried.reduce(0) { $0 + $1.completionTokens })
  }

  /// The fittest; of equally fit ones the younger. The best never leaves.
  private func survivors(_ old: [Candidate], _ new: [Candidate]) -> [Candidate] {
    let all = new.filter { $0.verdict != nil } + old
    let sorted = all.enumerated().sorted { a, b in
      (b.element.fitness, a.offset) < (a.element.fitness, b.offset)
    }
    return sorted.prefix(settings.population).map(\.element)
  }

  /// A reply that gave no proxy is as bad as the worst that did.
  private func outcomes(_ offspring: [Candidate]) -> [TemplateController.Outcome] {
    let worst = offspring.compactMap(\.verdict?.fitness).min() ?? 0
    return offspring.map {
      .init(template: $0.template, fitness: $0.verdict?.fitness ?? worst - 0.01)
    }
  }

  private func candidate(
    _ generation: Int, _ slot: Int, _ attempt: Int, template: PromptTemplate,
    population: [Candidate], tried: [Candidate]
  ) throws -> Candidate {
    if let known = log?.candidate(generation: generation, slot: slot, attempt: attempt) {
      return known
    }
    var random = SplitMix64(seed: settings.seed, generation, slot, attempt, 1)
    let parents = parents(template.parentCount, of: population, &random)
    var prompt = Prompt(
      template: template, parents: parents.compactMap(Self.shown), examples: [],
      failures: Array(tried.compactMap(\.failure).suffix(Self.shownFailures)),
      identity: "\(settings.seed) \(generation) \(slot) \(attempt)", seed: random.next(),
      readsMeasurements: settings.fitness.readsMeasurements)
    if template == .initialize { prompt.examples = shownExamples(population, &random) }
    let proposal = try source.reply(to: prompt)
    var candidate = Candidate(
      generation: generation, slot: slot, attempt: attempt, template: template,
      parents: parents.map(\.name), thought: "", formula: "", failure: nil, verdict: nil,
      promptTokens: proposal.promptTokens, completionTokens: proposal.completionTokens)
    try fill(&candidate, from: proposal.text, tried: tried)
    try log?.add(candidate)
    return candidate
  }

  /// From the cheapest check to the dearest: parse, toy network, one network, all networks.
  private func fill(_ candidate: inout Candidate, from reply: String, tried: [Candidate]) throws {
    guard let idea = ReplyReader.read(reply) else {
      let start = ReplyReader.oneLine(String(reply.prefix(80)))
      candidate.failure = "there is no \"formula\" in the reply, which begins '\(start)'"
      return
    }
    candidate.thought = idea.thought
    let shown = String(idea.formula.prefix(120))
    func fail(_ reason: String) { candidate.failure = "\(shown): \(reason)" }
    let formula: Expression
    do { formula = try FormulaParser.parse(idea.formula) } catch { return fail("\(error)") }
    candidate.formula = idea.formula
    let canonical = formula.canonical
    let same = tried.first {
      $0.failure == nil && (try? FormulaParser.parse($0.formula))?.canonical == canonical
    }
    if let same { return fail("it says the same as \(same.formula)") }
    if let problem = toy.problem(with: formula) { return fail(problem) }
    var verdicts: [NetworkVerdict] = []
    for network in 0..<judge.networkCount {
      let verdict: NetworkVerdict
      do { verdict = try judge.judge(formula, network: network) } catch let error as ProxyError {
        return fail("\(error)")
      }
      verdicts.append(verdict)
      if network == 0, verdict.correlation <= settings.leastCorrelation {
        return fail(
          "it does not rank the plans of \(verdict.network): Spearman \(verdict.correlation)")
      }
    }
    let verdict = Verdict(verdicts, formula: formula, fitness: settings.fitness)
    let twin = tried.first { other in
      other.verdict.map { $0.signature == verdict.signature && $0.cost <= verdict.cost } ?? false
    }
    if let twin { return fail("it orders all plans as \(twin.formula) does") }
    candidate.verdict = verdict
  }

  /// Different ones, the fitter the likelier: the first of n has n times the chance of the last.
  private func parents(
    _ count: Int, of population: [Candidate], _ random: inout SplitMix64
  ) -> [Candidate] {
    var rest = population
    return (0..<min(count, rest.count)).map { _ in
      rest.remove(at: random.weighted(rest.indices.map { Double(rest.count - $0) }))
    }
  }

  private func shownExamples(
    _ population: [Candidate], _ random: inout SplitMix64
  ) -> [Prompt.Shown] {
    var rest = examples.map {
      Prompt.Shown(thought: $0.thought, formula: $0.formula, source: $0.source, verdict: nil)
    }
    let best = population.prefix(2).compactMap(Self.shown)
    let wanted = min(rest.count, Self.shownExamples - best.count)
    return best + (0..<max(wanted, 0)).map { _ in rest.remove(at: random.draw(rest.count)) }
  }

  private static func shown(_ candidate: Candidate) -> Prompt.Shown? {
    guard let formula = try? FormulaParser.parse(candidate.formula) else { return nil }
    return Prompt.Shown(
      thought: candidate.thought, formula: formula, source: candidate.formula,
      verdict: candidate.verdict)
  }
}
