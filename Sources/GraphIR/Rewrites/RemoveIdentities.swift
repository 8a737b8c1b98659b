extension GraphPatch {
  /// Removes Identity and inference-mode Dropout nodes; names of graph inputs and outputs stay.
  public static var removeIdentities: GraphPatch {
    GraphPatch("remove identities") { $0.graph.removeIdentities() }
  }
}

extension Graph {
  mutating func removeIdentities() {
    var produced: Set<String> = []
    for node in nodes { produced.formUnion(node.outputs) }
    let outputNames = Set(outputs.map(\.name))
    let reads = readNames
    var renames: [String: String] = [:]
    func resolved(_ name: String) -> String {
      var name = name
      while let next = renames[name] { name = next }
      return name
    }
    var removed: Set<Int> = []
    for (index, node) in nodes.enumerated() {
      guard isIdentity(node, reads: reads), let input = node.input(0), let output = node.output(0)
      else { continue }
      let source = resolved(input)
      if !outputNames.contains(output) {
        renames[output] = source
      } else if produced.contains(source), !outputNames.contains(source) {
        // The producer takes over the output's name.
        renames[source] = output
      } else {
        continue
      }
      removed.insert(index)
    }
    if !removed.isEmpty {
      nodes = nodes.indices.filter { !removed.contains($0) }.map { nodes[$0] }
      var final: [String: String] = [:]
      for name in renames.keys { final[name] = resolved(name) }
      valueInfos.removeAll { final[$0.name] != nil }
      for index in nodes.indices { nodes[index].rename(final) }
    }
    for index in nodes.indices where !nodes[index].subgraphs.isEmpty {
      nodes[index].mapSubgraphs { graph in
        var graph = graph
        graph.removeIdentities()
        return graph
      }
    }
  }

  private func isIdentity(_ node: Node, reads: Set<String>) -> Bool {
    if node.isOperator("Identity") { return node.inputs.count == 1 }
    guard node.isOperator("Dropout") else { return false }
    if let mask = node.output(1), reads.contains(mask) { return false }
    guard let mode = node.input(2) else { return true }
    return initializers[mode]?.integers() == [0]
  }
}
