extension GraphPatch {
  /// Removes nodes, initializers and declared types that no output depends on. An input that only
  /// names the default of such an initializer goes too; inputs that callers must feed stay.
  public static var removeDeadNodes: GraphPatch {
    GraphPatch("remove dead nodes") { $0.graph.removeDeadNodes() }
  }
}

extension Graph {
  mutating func removeDeadNodes() {
    var live = Set(outputs.map(\.name))
    var kept: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: live.contains) {
      var node = node
      node.mapSubgraphs { graph in
        var graph = graph
        graph.removeDeadNodes()
        return graph
      }
      node.collectReads(into: &live)
      kept.append(node)
    }
    let isUnchanged = kept.count == nodes.count && initializers.keys.allSatisfy(live.contains)
    nodes = kept.reversed()
    if isUnchanged { return }
    inputs.removeAll { initializers[$0.name] != nil && !live.contains($0.name) }
    initializers.removeAll { !live.contains($0.key) }
    var defined = Set(inputs.map(\.name))
    defined.formUnion(initializers.keys)
    for node in nodes { defined.formUnion(node.outputs) }
    valueInfos.removeAll { !defined.contains($0.name) }
  }
}
