import GraphIR

/// New nodes, by the positions of the old ones, which keep their order.
struct NodeInsertion {
  private var front: [Node] = []
  private var before: [Int: [Node]] = [:]
  private var after: [Int: [Node]] = [:]

  mutating func atFront(_ nodes: [Node]) { front += nodes }

  mutating func insert(_ nodes: [Node], before position: Int) {
    before[position, default: []] += nodes
  }

  mutating func insert(_ nodes: [Node], after position: Int) {
    after[position, default: []] += nodes
  }

  func applied(to nodes: [Node]) -> [Node] {
    var result = front
    result.reserveCapacity(nodes.count * 2)
    for (position, node) in nodes.enumerated() {
      result += before[position] ?? []
      result.append(node)
      result += after[position] ?? []
    }
    return result
  }
}
