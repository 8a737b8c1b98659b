import Quantization

/// Layers whose precisions depend on each other, as one variable of the knapsack.
struct ChoiceGroup {
  struct Choice {
    /// One for each layer.
    var precisions: [Precision]
    /// One for each limit.
    var costs: [Int]
    var damage: Double
  }

  let layers: [String]
  /// None that another one equals or beats in damage and in every cost.
  var choices: [Choice]

  /// One group for each set of layers that ties connect, in the order of the cost table.
  static func make(
    sensitivities: SensitivityTable, costs: CostTable, budget: Budget, ties: Ties
  ) throws(AllocationError) -> [ChoiceGroup] {
    var resources: [Int] = []
    for limit in budget.limits {
      guard let index = costs.resources.firstIndex(of: limit.resource) else {
        throw .unknownResource(limit.resource, known: costs.resources)
      }
      resources.append(index)
    }
    let damage = Dictionary(
      sensitivities.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var options: [[Choice]] = []
    for layer in costs.layers {
      var choices: [Choice] = []
      for (precision, spent) in layer.costs.sorted(by: { $0.key < $1.key }) {
        guard let value = damage[layer.name]?.damage(at: precision), value.isFinite else {
          throw .sensitivity(layer: layer.name, precision: precision)
        }
        choices.append(
          Choice(precisions: [precision], costs: resources.map { spent[$0] }, damage: value))
      }
      options.append(choices)
    }
    let names = costs.layers.map(\.name)
    let joint = JointChoices(
      options: options, weights: NameGroups(names, joining: ties.weights),
      inputs: NameGroups(names, joining: ties.activations))
    var groups: [ChoiceGroup] = []
    for members in NameGroups(names, joining: ties.weights + ties.activations).members {
      let choices = joint.choices(of: members)
      guard !choices.isEmpty else { throw .noChoice(layer: names[members[0]]) }
      groups.append(ChoiceGroup(layers: members.map { names[$0] }, choices: choices))
    }
    return groups
  }
}

extension [ChoiceGroup.Choice] {
  /// Choices that no other one equals or beats in damage and in every cost. Of equals the last stays.
  var undominated: [ChoiceGroup.Choice] {
    enumerated().filter { index, choice in
      !enumerated().contains { other, rival in
        guard other != index, rival.damage <= choice.damage,
          zip(rival.costs, choice.costs).allSatisfy({ $0 <= $1 })
        else { return false }
        return rival.damage < choice.damage || rival.costs != choice.costs || other > index
      }
    }.map(\.element)
  }
}
