import TestSupport
import Testing

@testable import ProxySearch

@Suite struct GrammarTests {
  private static func shown(_ source: String) throws -> Prompt.Shown {
    Prompt.Shown(
      thought: "", formula: try FormulaParser.parse(source), source: source, verdict: nil)
  }

  private static func formula(
    _ template: PromptTemplate, seed: UInt64, readsMeasurements: Bool = false
  ) throws -> Expression {
    let parents = try ["sum(dYG2) / sum(Y2) * params ^ 0.5", "mean(S) * exp(-0.5 * b) + 1"]
      .prefix(template.parentCount).map(shown)
    let prompt = Prompt(
      template: template, parents: Array(parents), examples: [try shown("-b")], failures: [],
      identity: "", seed: seed, readsMeasurements: readsMeasurements)
    let reply = try GrammarGenerator().reply(to: prompt).text
    return try FormulaParser.parse(try #require(ReplyReader.read(reply)).formula)
  }

  @Test(arguments: PromptTemplate.allCases)
  func repliesAreProxiesThatTheToyNetworkAccepts(template: PromptTemplate) throws {
    let toy = try ToyNetwork()
    var accepted = 0
    var different: Set<Expression> = []
    for seed in 0..<200 {
      let formula = try Self.formula(template, seed: UInt64(seed))
      #expect(formula.dependsOnBits)
      #expect(formula.size <= FormulaGrammar.mostParts)
      different.insert(formula.canonical)
      if toy.problem(with: formula) == nil { accepted += 1 }
      #expect(try Self.formula(template, seed: UInt64(seed)) == formula)
    }
    #expect(accepted > 140, "\(accepted)")
    #expect(different.count > 30, "\(different.count)")
  }

  @Test(arguments: PromptTemplate.allCases)
  func measurementsAreReadWhereTheyMayBe(template: PromptTemplate) throws {
    func readers(_ mayRead: Bool) throws -> Int {
      try (0..<200).count { seed in
        let formula = try Self.formula(template, seed: UInt64(seed), readsMeasurements: mayRead)
        return formula.statistics.contains(where: \.isMeasured)
      }
    }
    #expect(try readers(false) == 0)
    // Two proxies that read none are joined to one that does not either.
    let expected = template == .crossover ? 0...0 : 10...200
    #expect(try expected.contains(readers(true)))
  }

  @Test(arguments: [
    ("macs", "does not depend"), ("b", "more damage at 8 bits"), ("b - b", "the same for all"),
    ("exp(1000 * b)", "not a finite"),
  ])
  func theToyNetworkRefusesWhatIsNoProxy(formula: String, reason: String) throws {
    let problem = try ToyNetwork().problem(with: try FormulaParser.parse(formula))
    #expect(try #require(problem).contains(reason))
  }

  @Test func shippedProxiesPassTheToyNetwork() throws {
    let toy = try ToyNetwork()
    for proxy in try ProxyLibrary.all() {
      #expect(toy.problem(with: proxy.formula) == nil, "\(proxy.name)")
    }
  }

  @Test func partsAreReplaced() throws {
    let formula = try FormulaParser.parse("sum(dW) + 2 * b")
    for (path, part) in formula.parts {
      #expect(formula.replacing(path, with: part) == formula)
    }
    #expect("\(formula.replacing([1, 0], with: .number(3)))" == "sum(dW) + 3 * b")
  }
}
