public import Quantization

/// Chooses the precision of every layer: least total damage within every limit, tied layers alike.
public enum BitAllocator {
  /// States that the exact search may hold for a group before it gives up the proof.
  static let stateLimit = 200_000

  public static func allocate(
    sensitivities: SensitivityTable, costs: CostTable, budget: Budget, ties: Ties = Ties()
  ) throws(AllocationError) -> BitPlan {
    let groups = try ChoiceGroup.make(
      sensitivities: sensitivities, costs: costs, budget: budget, ties: ties)
    let fixed = budget.limits.map { limit in
      costs.resources.firstIndex(of: limit.resource).map { costs.fixed[$0] } ?? 0
    }
    let limits = zip(budget.limits, fixed).map { $0.maximum - $1 }
    try checkEachLimit(groups, limits: limits, fixed: fixed, budget: budget)
    let bound = LagrangianBound.best(groups: groups, limits: limits)
    guard let found = solve(groups, limits: limits, bound: bound) else {
      throw jointlyInfeasible(groups, limits: limits, fixed: fixed, budget: budget)
    }
    return plan(
      groups, found.solution, isOptimal: found.isOptimal, bound: bound, limits: limits,
      costs: costs, budget: budget)
  }

  /// Narrow searches give the ceiling with which the wide one prunes.
  private static func solve(
    _ groups: [ChoiceGroup], limits: [Int], bound: LagrangianBound
  ) -> (solution: KnapsackSearch.Solution, isOptimal: Bool)? {
    let search = KnapsackSearch(groups: groups, limits: limits, bound: bound)
    var best: KnapsackSearch.Solution?
    for width in [32, 512, stateLimit] {
      let (found, isComplete) = search.best(below: best?.damage ?? .infinity, width: width)
      best = found ?? best
      if isComplete { return best.map { ($0, true) } }
    }
    return best.map { ($0, false) }
  }

  private static func checkEachLimit(
    _ groups: [ChoiceGroup], limits: [Int], fixed: [Int], budget: Budget
  ) throws(AllocationError) {
    for index in limits.indices {
      let least = groups.reduce(0) { sum, group in
        sum + (group.choices.map { $0.costs[index] }.min() ?? 0)
      }
      if least > limits[index] {
        throw .infeasible(
          limit: budget.limits[index], smallest: least + fixed[index], given: [])
      }
    }
  }

  /// Minimizes each resource in turn under the other limits, to say how far off it is.
  private static func jointlyInfeasible(
    _ groups: [ChoiceGroup], limits: [Int], fixed: [Int], budget: Budget
  ) -> AllocationError {
    for index in limits.indices {
      let others = limits.indices.filter { $0 != index }
      let asCosts = groups.map { group in
        var result = group
        result.choices = group.choices.map { choice in
          .init(
            precisions: choice.precisions, costs: others.map { choice.costs[$0] },
            damage: Double(choice.costs[index]))
        }
        return result
      }
      let otherLimits = others.map { limits[$0] }
      let bound = LagrangianBound.best(groups: asCosts, limits: otherLimits)
      if let found = solve(asCosts, limits: otherLimits, bound: bound), found.isOptimal {
        return .infeasible(
          limit: budget.limits[index], smallest: Int(found.solution.damage) + fixed[index],
          given: others.map { budget.limits[$0] })
      }
    }
    return .conflicting(budget.limits)
  }

  private static func plan(
    _ groups: [ChoiceGroup], _ solution: KnapsackSearch.Solution, isOptimal: Bool,
    bound: LagrangianBound, limits: [Int], costs: CostTable, budget: Budget
  ) -> BitPlan {
    var precisions: [String: Precision] = [:]
    for (group, choice) in zip(groups, solution.choices) {
      for (layer, precision) in zip(group.layers, group.choices[choice].precisions) {
        precisions[layer] = precision
      }
    }
    var totals: [String: Int] = [:]
    for (index, resource) in costs.resources.enumerated() {
      totals[resource] = costs.layers.reduce(costs.fixed[index]) { sum, layer in
        sum + (precisions[layer.name].flatMap { layer.costs[$0]?[index] } ?? 0)
      }
    }
    let isUnlimited = zip(groups, solution.choices).allSatisfy { group, choice in
      group.choices.allSatisfy { $0.damage >= group.choices[choice].damage }
    }
    let pressure = limits.indices.map { bound.multipliers[$0] * Double(limits[$0]) }
    let binding = isUnlimited ? nil : pressure.indices.max { pressure[$0] < pressure[$1] }
    return BitPlan(
      precisions: precisions, damage: solution.damage, totals: totals,
      binding: binding.map { budget.limits[$0].resource },
      gap: isOptimal ? 0 : max(0, solution.damage - bound.value))
  }
}
