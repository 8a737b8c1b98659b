/// Hands out value names that nothing in a graph or its subgraphs uses yet.
struct NameSupply {
  private var used: Set<String>

  init(_ graph: Graph) {
    used = []
    graph.collectNames(into: &used)
  }

  init(nodes: [Node], names: [String]) {
    used = Set(names)
    for node in nodes { node.collectNames(into: &used) }
  }

  /// `hint` itself where it is free, else `hint_2`, `hint_3` ...
  mutating func fresh(_ hint: String) -> String {
    var name = hint
    var suffix = 2
    while !used.insert(name).inserted {
      name = "\(hint)_\(suffix)"
      suffix += 1
    }
    return name
  }
}

extension Graph {
  /// Every value name of the graph and of its subgraphs.
  func collectNames(into names: inout Set<String>) {
    names.formUnion(inputs.lazy.map(\.name))
    names.formUnion(initializers.keys)
    names.formUnion(outputs.lazy.map(\.name))
    for node in nodes { node.collectNames(into: &names) }
  }
}

extension Node {
  func collectNames(into names: inout Set<String>) {
    names.formUnion(inputs)
    names.formUnion(outputs)
    for subgraph in subgraphs { subgraph.collectNames(into: &names) }
  }
}
