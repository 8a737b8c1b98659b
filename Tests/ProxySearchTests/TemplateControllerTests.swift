import Tensors
import Testing

@testable import ProxySearch

@Suite struct TemplateControllerTests {
  typealias Controller = TemplateController

  private static let outcomes: [Controller.Outcome] = [
    .init(template: .mutate, fitness: 0.9), .init(template: .initialize, fitness: 0.5),
    .init(template: .crossover, fitness: 0.7), .init(template: .mutate, fitness: 0.6),
    .init(template: .crossover, fitness: 0.7),
  ]

  @Test func pairsJoinDifferentTemplatesAndGaps() {
    let pairs = Controller.pairs(Self.outcomes, range: 0.4)
    #expect(pairs.count == 8)
    #expect(pairs.contains { $0.winner == 1 && $0.loser == 0 && abs($0.margin - 1) < 1e-12 })
    #expect(!pairs.contains { $0.winner == $0.loser })
  }

  @Test func theGradientIsThatOfTheLoss() {
    let pairs = Controller.pairs(Self.outcomes, range: 0.4)
    let (theta, reference) = ([0.3, -0.2, 0.7], [0.1, 0.0, -0.1])
    let slope = Controller.gradient(pairs, theta: theta, reference: reference)
    for index in theta.indices {
      var (up, down) = (theta, theta)
      up[index] += 1e-5
      down[index] -= 1e-5
      let numeric =
        (Controller.loss(pairs, theta: up, reference: reference)
          - Controller.loss(pairs, theta: down, reference: reference)) / 2e-5
      #expect(abs(numeric - slope[index]) < 1e-8)
    }
    #expect(abs(slope.reduce(0, +)) < 1e-12)
  }

  /// With one pair at `theta = reference` the first step is `rate * beta / 2 * margin`.
  @Test func oneStepIsTheClosedForm() {
    let pair = [Controller.Pair(winner: 2, loser: 0, margin: 0.8)]
    let zero = [0.0, 0, 0]
    #expect(
      Controller.gradient(pair, theta: zero, reference: zero)
        == [0.4 * Controller.beta, 0, -0.4 * Controller.beta])
  }

  @Test func whatWinsIsChosenMoreOftenAndNothingDies() {
    var controller = Controller(.dpo)
    for _ in 0..<50 { controller.observe(Self.outcomes, pulledBefore: controller) }
    let chances = controller.probabilities
    #expect(abs(chances.reduce(0, +) - 1) < 1e-12)
    #expect(chances[1] > chances[0] && chances[2] > chances[0])
    #expect(chances.allSatisfy { $0 >= Controller.exploration / 3 })
  }

  @Test func theOthersDoAsTheyAreNamed() {
    var random = SplitMix64(seed: 3)
    var uniform = Controller(.uniform)
    uniform.observe(Self.outcomes, pulledBefore: uniform)
    #expect(uniform.probabilities == [1, 1, 1].map { $0 / 3 })
    var fixed = Controller(.fixed)
    #expect(
      (0..<6).map { _ in fixed.choose(&random) } == [
        .crossover, .mutate, .crossover, .mutate, .initialize, .crossover,
      ])
    var bandit = Controller(.ucb1)
    #expect((0..<3).map { _ in bandit.choose(&random) } == PromptTemplate.allCases)
    var seen = Controller(.ucb1)
    for _ in 0..<30 { seen.observe(Self.outcomes, pulledBefore: seen) }
    #expect(seen.choose(&random) != .initialize)
  }
}
