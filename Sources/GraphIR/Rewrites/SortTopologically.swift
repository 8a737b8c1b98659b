extension GraphPatch {
  /// Puts nodes after those whose values they read, otherwise in the order they have.
  public static var sortTopologically: GraphPatch {
    GraphPatch("sort topologically") { try $0.graph.sortTopologically() }
  }
}

extension Graph {
  /// Throws `GraphError.cycle` where no order exists.
  mutating func sortTopologically() throws(GraphError) {
    var producers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producers[output] = index }
    }
    let sources = nodes.map { node -> [Int] in
      var reads: Set<String> = []
      node.collectReads(into: &reads)
      return Set(reads.compactMap { producers[$0] }).sorted()
    }
    enum State { case new, open, done }
    var states = Array(repeating: State.new, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    // An explicit stack: a chain of nodes may be longer than the call stack is deep.
    for root in nodes.indices where states[root] == .new {
      var stack = [(node: root, next: 0)]
      states[root] = .open
      while let top = stack.last {
        guard top.next < sources[top.node].count else {
          states[top.node] = .done
          order.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let source = sources[top.node][top.next]
        switch states[source] {
        case .done: continue
        case .open: throw .cycle(through: nodes[source].label)
        case .new:
          states[source] = .open
          stack.append((source, 0))
        }
      }
    }
    nodes = order.map { nodes[$0] }
    for index in nodes.indices where !nodes[index].subgraphs.isEmpty {
      do {
        try nodes[index].mapSubgraphs { graph in
          var graph = graph
          try graph.sortTopologically()
          return graph
        }
      } catch let error as GraphError {
        throw error
      } catch {
        preconditionFailure("sorting throws GraphError only")
      }
    }
  }
}
