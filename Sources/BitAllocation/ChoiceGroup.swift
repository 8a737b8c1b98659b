import Quantization

/// Layers that take the same width, as one variable of the knapsack.
struct ChoiceGroup {
  struct Choice {
    let bits: Int
    /// One for each limit.
    let costs: [Int]
    let damage: Double
  }

  let layers: [String]
  var choices: [Choice]

  /// One group for each set of tied layers, in the order of the cost table.
  static func make(
    sensitivities: SensitivityTable, costs: CostTable, budget: Budget, ties: [[String]]
  ) throws(AllocationError) -> [ChoiceGroup] {
    var resources: [Int] = []
    for limit in budget.limits {
      guard let index = costs.resources.firstIndex(of: limit.resource) else {
        throw .unknownResource(limit.resource, known: costs.resources)
      }
      resources.append(index)
    }
    let damage = Dictionary(
      sensitivities.layers.map { ($0.name, $0.damage) }, uniquingKeysWith: { first, _ in first })
    var groups: [ChoiceGroup] = []
    for members in unions(of: costs.layers.map(\.name), ties: ties) {
      let layers = members.map { costs.layers[$0] }
      let common = layers.dropFirst().reduce(Set(layers[0].costs.keys)) {
        $0.intersection($1.costs.keys)
      }
      guard !common.isEmpty else { throw .noChoice(layer: layers[0].name) }
      var choices: [Choice] = []
      for bits in common.sorted() {
        var total = 0.0
        for layer in layers {
          guard let value = damage[layer.name]?[bits], value.isFinite else {
            throw .sensitivity(layer: layer.name, bits: bits)
          }
          total += value
        }
        let spent = resources.map { resource in
          layers.reduce(0) { $0 + ($1.costs[bits]?[resource] ?? 0) }
        }
        choices.append(Choice(bits: bits, costs: spent, damage: total))
      }
      groups.append(ChoiceGroup(layers: layers.map(\.name), choices: choices))
    }
    return groups
  }

  /// Choices that no other one equals or beats in damage and in every cost.
  var undominated: ChoiceGroup {
    var kept = self
    kept.choices = choices.enumerated().filter { index, choice in
      !choices.enumerated().contains { other, rival in
        guard other != index, rival.damage <= choice.damage,
          zip(rival.costs, choice.costs).allSatisfy({ $0 <= $1 })
        else { return false }
        // Of equals the wider one stays.
        return rival.damage < choice.damage || rival.costs != choice.costs || other > index
      }
    }.map(\.element)
    return kept
  }

  /// Indices of the names, grouped by the transitive closure of the ties.
  private static func unions(of names: [String], ties: [[String]]) -> [[Int]] {
    let position = Dictionary(
      zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    var root = Array(names.indices)
    func find(_ index: Int) -> Int {
      var index = index
      while root[index] != index { index = root[index] }
      return index
    }
    for tie in ties {
      let members = tie.compactMap { position[$0] }
      for (left, right) in zip(members, members.dropFirst()) {
        let (a, b) = (find(left), find(right))
        root[max(a, b)] = min(a, b)
      }
    }
    var groups: [Int: [Int]] = [:]
    for index in names.indices { groups[find(index), default: []].append(index) }
    return groups.sorted { $0.key < $1.key }.map(\.value)
  }
}
