extension Graph {
  /// The same graph with its nodes, and those of its subgraphs, in an order that defines every
  /// value before it is read. Nodes keep their order where it is one; a cycle stays for
  /// `validate` to name.
  public func sortedTopologically() -> Graph {
    var result = self
    result.nodes = Graph.order(of: nodes).map { index in
      var node = nodes[index]
      node.mapSubgraphs { $0.sortedTopologically() }
      return node
    }
    return result
  }

  /// Depth-first from the producers, in file order; a stack of its own, as chains can be long.
  private static func order(of nodes: [Node]) -> [Int] {
    var producers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producers[output] = index }
    }
    let dependencies = nodes.map { node -> [Int] in
      var reads: Set<String> = []
      node.collectReads(into: &reads)
      return Set(reads.compactMap { producers[$0] }).sorted()
    }
    var visited = [Bool](repeating: false, count: nodes.count)
    var order: [Int] = []
    for root in nodes.indices where !visited[root] {
      visited[root] = true
      var path = [(node: root, next: 0)]
      while let top = path.last {
        guard top.next < dependencies[top.node].count else {
          order.append(top.node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let producer = dependencies[top.node][top.next]
        if !visited[producer] {
          visited[producer] = true
          path.append((producer, 0))
        }
      }
    }
    return order
  }
}
