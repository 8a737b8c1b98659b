/// Exact multiple-choice knapsack: a dynamic program over groups that keeps the partial allocations
/// which neither another one dominates nor the Lagrangian bound excludes.
struct KnapsackSearch {
  struct Solution {
    /// Index of the choice of every group.
    var choices: [Int]
    var damage: Double
  }

  private struct State {
    var damage: Double
    var penalized: Double
    var parent: Int
    var choice: Int
  }

  let groups: [ChoiceGroup]
  let limits: [Int]
  let bound: LagrangianBound
  private let penalized: [[Double]]
  private let order: [Int]

  init(groups: [ChoiceGroup], limits: [Int], bound: LagrangianBound) {
    self.groups = groups
    self.limits = limits
    self.bound = bound
    let penalized = groups.map { group in
      group.choices.map { LagrangianBound.penalized($0, bound.multipliers) }
    }
    self.penalized = penalized
    // Groups whose choice is clear come first: their alternatives are excluded at once.
    let regret = penalized.map { values -> Double in
      let sorted = values.sorted()
      return sorted.count < 2 ? .infinity : sorted[1] - sorted[0]
    }
    order = groups.indices.sorted { regret[$0] == regret[$1] ? $0 < $1 : regret[$0] > regret[$1] }
  }

  /// The best allocation, nil where none is feasible or none is below `ceiling`.
  /// `width` bounds the states that a group keeps; the search is complete where none was dropped.
  func best(below ceiling: Double, width: Int) -> (solution: Solution?, isComplete: Bool) {
    let (leastCosts, leastPenalized) = remainders()
    let offset = zip(limits, bound.multipliers).reduce(0) { $0 + Double($1.0) * $1.1 }
    // Rounding of sums must not exclude an allocation that equals the bound.
    let slack = 1e-12 * (abs(offset) + abs(bound.value) + (ceiling.isFinite ? abs(ceiling) : 0))
    let resources = limits.count
    var levels: [[State]] = []
    var costs = Array(repeating: 0, count: resources)
    var states = [State(damage: 0, penalized: 0, parent: -1, choice: -1)]
    var isComplete = true
    for (depth, group) in order.enumerated() {
      var nextStates: [State] = []
      var nextCosts: [Int] = []
      for (parent, state) in states.enumerated() {
        for (index, choice) in groups[group].choices.enumerated() {
          let value = state.penalized + penalized[group][index]
          guard value + leastPenalized[depth + 1] - offset < ceiling + slack,
            depth + 1 < order.count || state.damage + choice.damage < ceiling
          else { continue }
          let start = parent * resources
          var fits = true
          for resource in 0..<resources
          where costs[start + resource] + choice.costs[resource]
            + leastCosts[depth + 1][resource] > limits[resource]
          {
            fits = false
            break
          }
          guard fits else { continue }
          for resource in 0..<resources {
            nextCosts.append(costs[start + resource] + choice.costs[resource])
          }
          nextStates.append(
            State(
              damage: state.damage + choice.damage, penalized: value, parent: parent, choice: index)
          )
        }
      }
      var kept = undominated(nextStates, nextCosts)
      if kept.count > width {
        isComplete = false
        kept.sort { nextStates[$0].penalized < nextStates[$1].penalized }
        kept.removeLast(kept.count - width)
      }
      states = kept.map { nextStates[$0] }
      costs = kept.flatMap { nextCosts[$0 * resources..<($0 + 1) * resources] }
      levels.append(states)
      if states.isEmpty { return (nil, isComplete) }
    }
    guard let last = states.indices.min(by: { states[$0].damage < states[$1].damage }) else {
      return (nil, isComplete)
    }
    let solution = Solution(choices: trace(levels, from: last), damage: states[last].damage)
    return (solution, isComplete)
  }

  /// Least cost and least penalized damage of the groups from each depth on.
  private func remainders() -> (costs: [[Int]], penalized: [Double]) {
    var costs = [Array(repeating: 0, count: limits.count)]
    var values = [0.0]
    for group in order.reversed() {
      let least = limits.indices.map { resource in
        groups[group].choices.map { $0.costs[resource] }.min() ?? 0
      }
      costs.append(zip(costs[costs.count - 1], least).map(+))
      values.append(values[values.count - 1] + (penalized[group].min() ?? 0))
    }
    return (costs.reversed(), values.reversed())
  }

  /// Indices of states that no kept state equals or beats. Complete for one resource; for several a
  /// window of neighbours is compared, which keeps the search exact and only costs states.
  private func undominated(_ states: [State], _ costs: [Int]) -> [Int] {
    let resources = limits.count
    guard resources > 0 else {
      return states.indices.min { states[$0].damage < states[$1].damage }.map { [$0] } ?? []
    }
    let sorted = states.indices.sorted { left, right in
      for resource in 0..<resources {
        let (a, b) = (costs[left * resources + resource], costs[right * resources + resource])
        if a != b { return a < b }
      }
      if states[left].damage != states[right].damage {
        return states[left].damage < states[right].damage
      }
      return left < right
    }
    var kept: [Int] = []
    for candidate in sorted {
      let window = resources == 1 ? kept.suffix(1) : kept.suffix(48)
      let isBeaten = window.contains { rival in
        states[rival].damage <= states[candidate].damage
          && (0..<resources).allSatisfy {
            costs[rival * resources + $0] <= costs[candidate * resources + $0]
          }
      }
      if !isBeaten { kept.append(candidate) }
    }
    return kept
  }

  private func trace(_ levels: [[State]], from last: Int) -> [Int] {
    var choices = Array(repeating: 0, count: groups.count)
    var index = last
    for (depth, group) in order.enumerated().reversed() {
      choices[group] = levels[depth][index].choice
      index = levels[depth][index].parent
    }
    return choices
  }
}
