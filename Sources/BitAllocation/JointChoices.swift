import Quantization

/// The choices of layers that ties connect, taken together.
///
/// With the widths of their inputs given, layers of different weights are independent: their choices
/// are combined weight by weight, and of the partial combinations only those stay that no other one
/// beats. That is exact. Layers with more combinations than `limit` take one precision for all.
struct JointChoices {
  static let limit = 2048

  /// By layer: its own choices.
  let options: [[ChoiceGroup.Choice]]
  let weights: NameGroups
  let inputs: NameGroups

  /// Undominated choices with a precision for each of the members, in their order.
  func choices(of members: [Int]) -> [ChoiceGroup.Choice] {
    if members.count == 1 { return options[members[0]].undominated }
    return combined(members) ?? alike(members)
  }

  /// Nil where there are too many.
  private func combined(_ members: [Int]) -> [ChoiceGroup.Choice]? {
    let values = distinct(members.map { inputs.group[$0] })
    let widths = values.map { value in
      common(members.filter { inputs.group[$0] == value }) { $0.activationBits }
    }
    guard widths.reduce(1, { min(Self.limit + 1, $0 * max($1.count, 1)) }) <= Self.limit else {
      return nil
    }
    var assignments: [[Int]] = [[]]
    for list in widths { assignments = assignments.flatMap { given in list.map { given + [$0] } } }
    var result: [ChoiceGroup.Choice] = []
    for assignment in assignments {
      let inputBits = Dictionary(uniqueKeysWithValues: zip(values, assignment))
      guard let found = combined(members, inputBits: inputBits) else { return nil }
      result = (result + found).undominated
      if result.count > Self.limit { return nil }
    }
    return result
  }

  private func combined(
    _ members: [Int], inputBits: [Int: Int]
  ) -> [ChoiceGroup.Choice]? {
    var order: [Int] = []
    var result = [
      ChoiceGroup.Choice(
        precisions: [], costs: options[members[0]].first?.costs.map { _ in 0 } ?? [], damage: 0)
    ]
    for weight in distinct(members.map { weights.group[$0] }) {
      let sharing = members.filter { weights.group[$0] == weight }
      let own = common(sharing) { $0.weightBits }.compactMap { bits in
        sum(sharing) {
          Precision(weightBits: bits, activationBits: inputBits[inputs.group[$0]] ?? 8)
        }
      }
      guard result.count * own.count <= Self.limit else { return nil }
      result = result.flatMap { left in own.map { left.adding($0) } }.undominated
      order += sharing
    }
    let position = Dictionary(uniqueKeysWithValues: zip(order, order.indices))
    return result.map { choice in
      var choice = choice
      choice.precisions = members.compactMap { position[$0].map { choice.precisions[$0] } }
      return choice
    }
  }

  /// One precision for all.
  private func alike(_ members: [Int]) -> [ChoiceGroup.Choice] {
    Set(members.flatMap { options[$0].map { $0.precisions[0] } }).sorted()
      .compactMap { precision in sum(members) { _ in precision } }.undominated
  }

  /// The members' choices of these precisions; nil where one does not have it.
  private func sum(_ members: [Int], at precision: (Int) -> Precision) -> ChoiceGroup.Choice? {
    var total: ChoiceGroup.Choice?
    for member in members {
      let wanted = precision(member)
      guard let choice = options[member].first(where: { $0.precisions[0] == wanted }) else {
        return nil
      }
      total = total?.adding(choice) ?? choice
    }
    return total
  }

  private func common(_ members: [Int], _ width: (Precision) -> Int) -> [Int] {
    let sets = members.map { Set(options[$0].map { width($0.precisions[0]) }) }
    return sets.dropFirst().reduce(sets[0]) { $0.intersection($1) }.sorted()
  }

  private func distinct(_ numbers: [Int]) -> [Int] { Set(numbers).sorted() }
}

extension ChoiceGroup.Choice {
  fileprivate func adding(_ other: Self) -> Self {
    Self(
      precisions: precisions + other.precisions, costs: zip(costs, other.costs).map(+),
      damage: damage + other.damage)
  }
}
