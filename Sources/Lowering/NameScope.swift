import GraphIR

/// Makes names for new values and nodes that the graph and its subgraphs do not use yet.
struct NameScope {
  private var used: Set<String>

  init(_ graph: Graph) {
    used = []
    add(graph)
  }

  private mutating func add(_ graph: Graph) {
    used.formUnion(graph.inputs.map(\.name))
    used.formUnion(graph.initializers.keys)
    for node in graph.nodes {
      used.insert(node.name)
      used.formUnion(node.inputs)
      used.formUnion(node.outputs)
      for subgraph in node.subgraphs { add(subgraph) }
    }
  }

  /// The wanted name, with a number behind it where it is taken.
  mutating func fresh(_ wanted: String) -> String {
    var name = wanted
    var number = 2
    while !used.insert(name).inserted {
      name = "\(wanted)_\(number)"
      number += 1
    }
    return name
  }
}
