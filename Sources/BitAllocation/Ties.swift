/// Layers that have to agree; each list holds the names of some that do.
public struct Ties: Sendable, Equatable {
  /// Layers of one weight: the same weight bits.
  public var weights: [[String]]
  /// Layers that read one value: the same activation bits.
  public var activations: [[String]]

  public init(weights: [[String]] = [], activations: [[String]] = []) {
    self.weights = weights
    self.activations = activations
  }
}

/// Indices of names in groups: the transitive closure of lists of names that belong together.
struct NameGroups {
  /// The members of each group, groups in the order of their first members.
  let members: [[Int]]
  /// The group of each name.
  let group: [Int]

  init(_ names: [String], joining lists: [[String]]) {
    let position = Dictionary(
      zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    var root = Array(names.indices)
    func find(_ index: Int) -> Int {
      var index = index
      while root[index] != index { index = root[index] }
      return index
    }
    for list in lists {
      let members = list.compactMap { position[$0] }
      for (left, right) in zip(members, members.dropFirst()) {
        let (a, b) = (find(left), find(right))
        root[max(a, b)] = min(a, b)
      }
    }
    var groups: [Int: [Int]] = [:]
    for index in names.indices { groups[find(index), default: []].append(index) }
    let members = groups.sorted { $0.key < $1.key }.map(\.value)
    var group = Array(repeating: 0, count: names.count)
    for (number, list) in members.enumerated() { for index in list { group[index] = number } }
    (self.members, self.group) = (members, group)
  }
}
