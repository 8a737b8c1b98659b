extension GraphPatch {
  /// Turns `Constant` nodes into initializers, except where they are a graph output themselves.
  public static var materializeConstants: GraphPatch {
    GraphPatch("materialize constants") { $0.graph.materializeConstants() }
  }
}

extension Graph {
  mutating func materializeConstants() {
    let outputNames = Set(outputs.map(\.name))
    var kept: [Node] = []
    kept.reserveCapacity(nodes.count)
    for var node in nodes {
      if node.op == "Constant", let tensor = node.constantValue, let name = node.output(0),
        !outputNames.contains(name)
      {
        initializers[name] = tensor
        continue
      }
      node.mapSubgraphs { graph in
        var graph = graph
        graph.materializeConstants()
        return graph
      }
      kept.append(node)
    }
    nodes = kept
  }
}
