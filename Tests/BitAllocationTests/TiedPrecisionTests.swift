import Quantization
import TestSupport
import Testing

@testable import BitAllocation

/// Pairs of weight and activation bits, some layers tied in one, some in the other.
@Suite struct TiedPrecisionTests {
  @Test func tablesPredictPlansOfOthers() {
    let table = SensitivityTable(layers: [
      .init(name: "a", damage: [2: 8, 4: 1], inputDamage: [4: 2]), .init(name: "b", damage: [4: 3]),
    ])
    let plan = BitPlan(
      precisions: [
        "a": Precision(weightBits: 4, activationBits: 4), "b": Precision(weightBits: 2),
        "c": Precision(weightBits: 2),
      ], damage: 0, totals: [:], binding: nil, gap: 0)
    #expect(table.damage(of: plan) == 3)
  }

  struct Case {
    var sensitivities: SensitivityTable
    var costs: CostTable
    var ties: Ties

    /// Some layers lack some of the pairs.
    static func random(
      layers: Int, weights: [Int], activations: [Int], resources: Int, ties: Ties,
      using generator: inout SeededGenerator
    ) -> Case {
      var damage: [SensitivityTable.Layer] = []
      var costs: [CostTable.Layer] = []
      for index in 0..<layers {
        let scale = Double(generator.next() % 10_000 + 1) / 1000
        func noise() -> Double { 0.5 + Double(generator.next() % 1000) / 1000 }
        var own: [Int: Double] = [:]
        for bits in weights { own[bits] = scale * noise() / Double(1 << (2 * bits)) }
        var input: [Int: Double] = [:]
        for bits in activations where bits < 8 {
          input[bits] = scale * noise() / Double(1 << (2 * bits))
        }
        var spent: [Precision: [Int]] = [:]
        for a in activations {
          for w in weights where w == 8 || a == 8 || generator.next() % 4 > 0 {
            spent[Precision(weightBits: w, activationBits: a)] = (0..<resources).map {
              $0 == 0
                ? w * (20 + index) : Int(generator.next() % 200) + (w + a) * 30
            }
          }
        }
        damage.append(.init(name: "layer\(index)", damage: own, inputDamage: input))
        costs.append(.init(name: "layer\(index)", costs: spent))
      }
      return Case(
        sensitivities: SensitivityTable(layers: damage),
        costs: CostTable(resources: (0..<resources).map { "r\($0)" }, layers: costs), ties: ties)
    }

    private func agree(_ chosen: [Precision]) -> Bool {
      func values(_ names: [String], _ width: (Precision) -> Int) -> Set<Int> {
        Set(
          names.compactMap { name in
            costs.layers.firstIndex { $0.name == name }.map { width(chosen[$0]) }
          })
      }
      return ties.weights.allSatisfy { values($0, \.weightBits).count == 1 }
        && ties.activations.allSatisfy { values($0, \.activationBits).count == 1 }
    }

    /// Least damage over all combinations within the limits; nil where none is.
    func bruteForce(_ budget: Budget) -> Double? {
      var best: Double?
      func visit(_ index: Int, _ chosen: [Precision], _ damage: Double, _ spent: [Int]) {
        guard index < costs.layers.count else {
          let fits = zip(budget.limits, spent).allSatisfy { $0.maximum >= $1 }
          if fits, damage < best ?? .infinity, agree(chosen) { best = damage }
          return
        }
        for (precision, cost) in costs.layers[index].costs {
          visit(
            index + 1, chosen + [precision],
            damage + (sensitivities.layers[index].damage(at: precision) ?? .infinity),
            zip(spent, cost).map(+))
        }
      }
      visit(0, [], 0, costs.fixed)
      return best
    }
  }

  static let ties: [Ties] = [
    Ties(activations: [["layer0", "layer1"]]),
    Ties(activations: [["layer0", "layer2", "layer3"], ["layer1", "layer4"]]),
    // The weights of 1 and 2 link two values.
    Ties(
      weights: [["layer1", "layer2"]], activations: [["layer0", "layer1"], ["layer2", "layer3"]]),
    Ties(weights: [["layer0", "layer1"]], activations: [["layer0", "layer1"]]),
    Ties(weights: [["layer0", "layer3"]]),
  ]

  @Test(arguments: 0..<60)
  func equalsBruteForce(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed) &+ 1234)
    let resources = seed % 3 + 1
    let problem = Case.random(
      layers: 5, weights: seed % 2 == 0 ? [4, 8] : [2, 4, 8], activations: [4, 8],
      resources: resources, ties: Self.ties[seed % Self.ties.count], using: &generator)
    let budget = Budget(
      limits: (0..<resources).map { resource in
        let all = problem.costs.layers.map { layer in layer.costs.values.map { $0[resource] } }
        let low = all.reduce(0) { $0 + ($1.min() ?? 0) }
        let high = all.reduce(0) { $0 + ($1.max() ?? 0) }
        let share = Double(generator.next() % 1000) / 1000
        return .init(resource: "r\(resource)", maximum: low + Int(Double(high - low) * share * 0.9))
      })
    func allocate() throws -> BitPlan {
      try BitAllocator.allocate(
        sensitivities: problem.sensitivities, costs: problem.costs, budget: budget,
        ties: problem.ties)
    }
    guard let expected = problem.bruteForce(budget) else {
      #expect(throws: AllocationError.self) { try allocate() }
      return
    }
    let plan = try allocate()
    #expect(abs(plan.damage - expected) <= 1e-12 * max(1, expected))
    #expect(plan.gap == 0)
    for limit in budget.limits {
      #expect(try #require(plan.totals[limit.resource]) <= limit.maximum)
    }
    for tie in problem.ties.weights {
      #expect(Set(tie.map { plan.precisions[$0]?.weightBits }).count == 1)
    }
    for tie in problem.ties.activations {
      #expect(Set(tie.map { plan.precisions[$0]?.activationBits }).count == 1)
    }
  }

  @Test func sixtyLayersOfFourPairsAreQuick() throws {
    var generator = SeededGenerator(seed: 9)
    let ties = Ties(
      activations: stride(from: 0, to: 60, by: 6).map { ["layer\($0)", "layer\($0 + 1)"] })
    let problem = Case.random(
      layers: 60, weights: [4, 8], activations: [4, 8], resources: 2, ties: ties, using: &generator)
    let free = try BitAllocator.allocate(
      sensitivities: problem.sensitivities, costs: problem.costs, budget: Budget(limits: []),
      ties: ties)
    for share in [0.7, 0.8, 0.9] {
      let budget = Budget(limits: [
        .init(resource: "r1", maximum: Int(Double(free.totals["r1"] ?? 0) * share))
      ])
      var plan: BitPlan?
      let time = try ContinuousClock().measure {
        plan = try BitAllocator.allocate(
          sensitivities: problem.sensitivities, costs: problem.costs, budget: budget, ties: ties)
      }
      #expect(plan?.gap == 0)
      print("60 layers, 4 pairs, \(share) of the latency: \(time)")
      #expect(time < .seconds(1))
    }
  }

  /// Many readers of one value have more combinations than are kept: they take one pair together.
  @Test func tooManyReadersOfOneValueAgree() throws {
    var generator = SeededGenerator(seed: 3)
    let names = (0..<16).map { "layer\($0)" }
    let problem = Case.random(
      layers: 16, weights: [2, 4, 8], activations: [4, 8], resources: 2,
      ties: Ties(activations: [names]), using: &generator)
    let plan = try BitAllocator.allocate(
      sensitivities: problem.sensitivities, costs: problem.costs,
      budget: Budget(limits: [
        .init(resource: "r0", maximum: 16 * 28 * 7), .init(resource: "r1", maximum: 16 * 650),
      ]), ties: problem.ties)
    #expect(Set(plan.precisions.values).count == 1)
  }
}
