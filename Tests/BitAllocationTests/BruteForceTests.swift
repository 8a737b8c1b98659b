import Quantization
import TestSupport
import Testing

@testable import BitAllocation

@Suite struct BruteForceTests {
  struct Case {
    var sensitivities: SensitivityTable
    var costs: CostTable
    var ties: [[String]]

    /// Layers whose damage falls and whose costs rise with the bits, mostly.
    static func random(
      layers: Int, bits: [Int], resources: Int, using generator: inout SeededGenerator
    )
      -> Case
    {
      var damage: [SensitivityTable.Layer] = []
      var costs: [CostTable.Layer] = []
      for index in 0..<layers {
        let size = Int(generator.next() % 900) + 20
        let weight = Double(generator.next() % 10_000) / 1000
        var byBits: [Int: Double] = [:]
        var spent: [Int: [Int]] = [:]
        for width in bits {
          let noise = 0.5 + Double(generator.next() % 1000) / 1000
          byBits[width] = weight * noise / Double(1 << (2 * width))
          spent[width] = (0..<resources).map {
            $0 == 0 ? size * width : Int(generator.next() % 500) + width * 60
          }
        }
        damage.append(.init(name: "layer\(index)", damage: byBits))
        costs.append(.init(name: "layer\(index)", costs: spent))
      }
      let ties = layers > 3 && generator.next() % 2 == 0 ? [["layer0", "layer2"]] : []
      return Case(
        sensitivities: SensitivityTable(layers: damage),
        costs: CostTable(
          resources: (0..<resources).map { "r\($0)" },
          fixed: (0..<resources).map { $0 * 7 + 3 }, layers: costs), ties: ties)
    }

    /// Least damage over all combinations within the limits; nil where none is.
    func bruteForce(_ budget: Budget) -> Double? {
      var best: Double?
      func visit(_ index: Int, _ chosen: [Int], _ damage: Double, _ spent: [Int]) {
        if index == costs.layers.count {
          let tied = ties.allSatisfy { names in
            Set(
              names.compactMap { name in
                costs.layers.firstIndex { $0.name == name }.map { chosen[$0] }
              }
            ).count == 1
          }
          let fits = zip(budget.limits, spent).allSatisfy { $0.maximum >= $1 }
          if tied, fits, damage < best ?? .infinity { best = damage }
          return
        }
        for (precision, cost) in costs.layers[index].costs {
          let bits = precision.weightBits
          visit(
            index + 1, chosen + [bits],
            damage + (sensitivities.layers[index].damage[bits] ?? 0), zip(spent, cost).map(+))
        }
      }
      visit(0, [], 0, costs.fixed)
      return best
    }
  }

  @Test(arguments: 0..<60)
  func equalsBruteForce(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed) &+ 77)
    let resources = seed % 3 + 1
    let problem = Case.random(
      layers: 2 + seed % 5, bits: seed % 2 == 0 ? [2, 4, 8] : [2, 3, 4, 8], resources: resources,
      using: &generator)
    let budget = Budget(
      limits: (0..<resources).map { resource in
        let all = problem.costs.layers.map { layer in layer.costs.values.map { $0[resource] } }
        let low = all.reduce(0) { $0 + ($1.min() ?? 0) }
        let high = all.reduce(0) { $0 + ($1.max() ?? 0) }
        let share = Double(generator.next() % 1000) / 1000
        return .init(
          resource: "r\(resource)",
          maximum: problem.costs.fixed[resource] + low + Int(Double(high - low) * share * 0.8))
      })
    guard let expected = problem.bruteForce(budget) else {
      #expect(throws: AllocationError.self) {
        try BitAllocator.allocate(
          sensitivities: problem.sensitivities, costs: problem.costs, budget: budget,
          ties: Ties(weights: problem.ties))
      }
      return
    }
    let plan = try BitAllocator.allocate(
      sensitivities: problem.sensitivities, costs: problem.costs, budget: budget,
      ties: Ties(weights: problem.ties))
    #expect(abs(plan.damage - expected) <= 1e-12 * max(1, expected))
    #expect(plan.gap == 0)
    for limit in budget.limits {
      #expect(try #require(plan.totals[limit.resource]) <= limit.maximum)
    }
    for tie in problem.ties { #expect(Set(tie.map { plan.bits[$0] }).count == 1) }
  }

  @Test func sixtyLayersOfSixChoicesAreQuick() throws {
    var generator = SeededGenerator(seed: 5)
    let problem = Case.random(
      layers: 60, bits: [2, 3, 4, 5, 6, 8], resources: 1, using: &generator)
    let low = problem.costs.layers.reduce(3) { $0 + ($1.costs[Precision(weightBits: 2)]?[0] ?? 0) }
    for average in [2.5, 3.0, 4.0, 4.8, 6.0] {
      let budget = Budget(
        limits: [.init(resource: "r0", maximum: Int(Double(low) * average / 2))])
      var plan: BitPlan?
      let time = try ContinuousClock().measure {
        plan = try BitAllocator.allocate(
          sensitivities: problem.sensitivities, costs: problem.costs, budget: budget)
      }
      #expect(plan?.gap == 0)
      print("60 layers, 6 choices, \(average) bits: \(time)")
      #expect(time < .seconds(2))
    }
  }

  @Test func infeasibleLimitsSayWhatTheyNeed() throws {
    let table = SensitivityTable(layers: [
      .init(name: "a", damage: [2: 4, 8: 1]), .init(name: "b", damage: [2: 4, 8: 1]),
    ])
    let costs = CostTable(
      resources: ["flash", "latency"], fixed: [10, 0],
      layers: [
        .init(name: "a", costs: [2: [20, 9], 8: [80, 5]]),
        .init(name: "b", costs: [2: [20, 9], 8: [80, 5]]),
      ])
    let flash = Budget.Limit(resource: "flash", maximum: 40, unit: "bytes")
    #expect(throws: AllocationError.infeasible(limit: flash, smallest: 50, given: [])) {
      try BitAllocator.allocate(
        sensitivities: table, costs: costs, budget: Budget(limits: [flash]))
    }
    let joint = Budget(limits: [
      .init(resource: "flash", maximum: 100, unit: "bytes"),
      .init(resource: "latency", maximum: 14, unit: "us"),
    ])
    do {
      _ = try BitAllocator.allocate(sensitivities: table, costs: costs, budget: joint)
      Issue.record("the limits exclude each other")
    } catch {
      #expect(
        error.description
          == "the flash limit of 100 bytes cannot be met: it binds by 10 bytes; "
          + "the smallest that can be met is 110 bytes with latency <= 14 us")
    }
    let relaxed = try BitAllocator.allocate(
      sensitivities: table, costs: costs,
      budget: Budget(limits: [.init(resource: "flash", maximum: 110)]))
    #expect(relaxed.totals == ["flash": 110, "latency": 14])
    #expect(relaxed.binding == "flash")
    let free = try BitAllocator.allocate(
      sensitivities: table, costs: costs,
      budget: Budget(limits: [.init(resource: "flash", maximum: 1000)]))
    #expect(free.bits == ["a": 8, "b": 8] && free.binding == nil)
  }
}
