import Foundation
import TestSupport
import Testing

@testable import ProxySearch

/// The search on a made-up judge and scripted replies.
@Suite struct SearchRunTests {
  /// Short formulas are good; counts what it is asked.
  private final class Judge: FormulaJudge {
    let networkCount = 2
    var asked = 0

    func judge(_ formula: ProxySearch.Expression, network: Int) throws -> NetworkVerdict {
      asked += 1
      let worth =
        1 / Double(formula.size) + 0.001
        * Double("\(formula)".utf8.reduce(0) { $0 &+ UInt64($1) } % 97)
      return NetworkVerdict(
        network: "n\(network)", correlations: [worth], fidelity: worth / 2, agreement: nil,
        divergence: nil)
    }
  }

  private struct Script: ProposalSource {
    var replies: [String]

    func reply(to prompt: Prompt) throws -> Proposal {
      Proposal(text: replies[Int(prompt.seed % UInt64(replies.count))], promptTokens: 2)
    }
  }

  private struct Stopped: Error {}

  /// Answers so often, then fails.
  private final class Mortal: ProposalSource {
    var left: Int
    init(_ left: Int) { self.left = left }

    func reply(to prompt: Prompt) throws -> Proposal {
      left -= 1
      guard left >= 0 else { throw Stopped() }
      return try GrammarGenerator().reply(to: prompt)
    }
  }

  private func search(
    _ source: any ProposalSource = GrammarGenerator(), log: SearchLog? = nil,
    judge: Judge = Judge(), change: (inout SearchSettings) -> Void = { _ in }
  ) throws -> SearchResult {
    var settings = SearchSettings()
    settings.population = 6
    settings.generations = 4
    change(&settings)
    return try SearchRun(
      settings: settings, examples: try ProxyLibrary.all(), source: source, judge: judge, log: log
    ).run { _ in }
  }

  @Test(arguments: TemplateController.Kind.allCases)
  func theBestNeverFalls(kind: TemplateController.Kind) throws {
    let result = try search { $0.controller = kind }
    let best = result.generations.map(\.bestFitness)
    #expect(best == best.sorted())
    #expect(result.population.count == 6)
    #expect(result.best.fitness == best.last)
    #expect(Set(result.population.compactMap { $0.verdict?.signature }).count == 6)
    #expect(try search { $0.controller = kind } == result)
    #expect(try search { ($0.controller, $0.seed) = (kind, 1) } != result)
  }

  @Test func bothReadingsOfTheFitness() {
    let mixed = Fitness(alpha: 0.25, reading: .mixed)
    #expect(
      mixed.value(correlation: 0.8, fidelity: 0.4, cost: 0.1) == 0.25 * 0.8 + 0.75 * 0.4 - 0.1)
    let added = Fitness(alpha: 0.25, reading: .added)
    #expect(added.value(correlation: 0.8, fidelity: 0.4, cost: 0.1) == 0.4 + 0.25 * 0.8 - 0.1)
  }

  @Test func measurementsCostUnlessTheyMayBeRead() throws {
    let formula = try FormulaParser.parse("measured")
    let free = Fitness(readsMeasurements: true).cost(of: formula)
    #expect(free < 0.001)
    #expect(Fitness().cost(of: formula) == free + 0.05)
  }

  @Test func repliesThatAreNoProxiesHaveReasons() throws {
    let replies = [
      "no", "{\"formula\": \"sum(dW\"}", "{\"formula\": \"macs\"}", "{\"formula\": \"1/0 - b\"}",
      "{\"formula\": \"sum(dY2)\"}", "{\"formula\": \"mean(S)\"}",
    ]
    let judge = Judge()
    let result = try search(Script(replies: replies), judge: judge)
    #expect(result.population.count == 2)
    #expect(result.failures > 10)
    #expect(result.promptTokens == 2 * result.replies)
    // What was refused before cost no measurement.
    #expect(judge.asked == 4)
    #expect(throws: SearchError.self) { try search(Script(replies: Array(replies.prefix(4)))) }
  }

  @Test func failuresAreSaidInTheNextPrompt() throws {
    let prompt = Prompt(
      template: .mutate,
      parents: [
        .init(thought: "{{failures}}", formula: .number(1), source: "1", verdict: nil)
      ], examples: [], failures: ["it was bad"], identity: "", seed: 0)
    let text = prompt.text(.shipped)
    #expect(text.contains("Earlier replies failed:\n- it was bad\n"))
    #expect(text.contains("thought: {{failures}}"))
    #expect(text.contains("dYG2: mean square of the output error"))
    #expect(!text.contains("{{language}}") && !text.contains("measured_kl"))
    var reading = prompt
    reading.readsMeasurements = true
    #expect(reading.text(.shipped).contains("measured_kl: "))
  }

  @Test func aSearchGoesOnWhereItStopped() throws {
    let whole = try search()
    for stop in [1, 5, 7, 20] {
      let folder = try TemporaryFolder()
      let state = folder.path("state")
      #expect(throws: Stopped.self) {
        try search(Mortal(stop), log: SearchLog(folder: state, settings: "s"))
      }
      // As if the last line had been torn.
      let file = state + "/search.jsonl"
      var data = try #require(FileManager.default.contents(atPath: file))
      if stop > 5 { data.removeLast(10) }
      try data.write(to: URL(fileURLWithPath: file))
      let judge = Judge()
      let log = try SearchLog(folder: state, settings: "s")
      #expect(log.count == (stop > 5 ? stop - 1 : stop))
      #expect(try search(log: log, judge: judge) == whole)
      let again = Judge()
      #expect(try search(log: log, judge: Judge()) == whole)
      #expect(again.asked == 0)
    }
  }

  @Test func logsOfOthersAreRefused() throws {
    let folder = try TemporaryFolder()
    let state = folder.path("state")
    do {
      let log = try SearchLog(folder: state, settings: "s")
      #expect(log.count == 0)
      #expect(throws: SearchError.self) { try SearchLog(folder: state, settings: "s") }
    }
    #expect(throws: SearchError.self) { try SearchLog(folder: state, settings: "t") }
    _ = try folder.write("{}\n", as: "search.jsonl")
    #expect(throws: SearchError.self) {
      try SearchLog(folder: folder.url.path, settings: "s")
    }
  }

  @Test func templatesAreReadFromAFolder() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("Mine: {{language}} {{parents}}", as: "mutate.txt")
    let templates = try PromptTemplates(folder: folder.url.path)
    #expect(templates[.mutate] == "Mine: {{language}} {{parents}}")
    #expect(templates[.crossover] == PromptTemplates.shipped[.crossover])
    _ = try folder.write("{{language}}", as: "mutate.txt")
    #expect(throws: SearchError.self) { try PromptTemplates(folder: folder.url.path) }
    #expect(throws: SearchError.self) { try PromptTemplates(folder: folder.path("none")) }
  }
}
