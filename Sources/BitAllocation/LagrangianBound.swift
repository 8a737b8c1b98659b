/// Multipliers of the limits: for any of them, sum over groups of min (damage + m * cost) - m * limit
/// bounds the damage of every feasible allocation from below.
struct LagrangianBound {
  let multipliers: [Double]
  let value: Double

  /// Ascends the concave dual. One limit: bisection on its slope. Several: cyclic bisection, each
  /// limit in turn, which never lowers the bound and is exact enough to prune with.
  static func best(groups: [ChoiceGroup], limits: [Int]) -> LagrangianBound {
    var multipliers = Array(repeating: 0.0, count: limits.count)
    let rounds = limits.count <= 1 ? 1 : 12
    for _ in 0..<rounds {
      for index in limits.indices {
        multipliers[index] = bisect(index, groups: groups, limits: limits, multipliers)
      }
    }
    return LagrangianBound(
      multipliers: multipliers, value: dual(groups: groups, limits: limits, multipliers))
  }

  static func penalized(_ choice: ChoiceGroup.Choice, _ multipliers: [Double]) -> Double {
    var value = choice.damage
    for (index, multiplier) in multipliers.enumerated() {
      value += multiplier * Double(choice.costs[index])
    }
    return value
  }

  private static func dual(
    groups: [ChoiceGroup], limits: [Int], _ multipliers: [Double]
  ) -> Double {
    let penalty = zip(limits, multipliers).reduce(0) { $0 + Double($1.0) * $1.1 }
    return groups.reduce(-penalty) { sum, group in
      sum + (group.choices.map { penalized($0, multipliers) }.min() ?? 0)
    }
  }

  /// The multiplier of one limit at which its cost falls to the limit, the others held.
  private static func bisect(
    _ index: Int, groups: [ChoiceGroup], limits: [Int], _ fixed: [Double]
  ) -> Double {
    var multipliers = fixed
    func exceeds(_ value: Double) -> Bool {
      multipliers[index] = value
      let cost = groups.reduce(0) { sum, group in
        let best = group.choices.min {
          let (left, right) = (penalized($0, multipliers), penalized($1, multipliers))
          return left == right ? $0.costs[index] < $1.costs[index] : left < right
        }
        return sum + (best?.costs[index] ?? 0)
      }
      return cost > limits[index]
    }
    guard exceeds(0) else { return 0 }
    var high = groups.joinedChoices.map(\.damage).max() ?? 1
    high = high > 0 ? high : 1
    var doublings = 0
    while exceeds(high), doublings < 200 {
      high *= 2
      doublings += 1
    }
    var low = 0.0
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if middle == low || middle == high { break }
      if exceeds(middle) { low = middle } else { high = middle }
    }
    return high
  }
}

extension [ChoiceGroup] {
  var joinedChoices: [ChoiceGroup.Choice] { flatMap(\.choices) }
}
