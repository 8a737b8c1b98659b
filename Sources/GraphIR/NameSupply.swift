/// Hands out value names that nothing in a graph or its subgraphs uses yet.
public struct NameSupply {
  private var used: Set<String>

  /// With `nodeNames` the names also differ from those of all nodes, so that they can name both.
  public init(_ graph: Graph, nodeNames: Bool = false) {
    used = []
    graph.collectNames(into: &used)
    if nodeNames { graph.collectNodeNames(into: &used) }
  }

  init(nodes: [Node], names: [String]) {
    used = Set(names)
    for node in nodes { node.collectNames(into: &used) }
  }

  /// `hint` itself where it is free, else `hint_2`, `hint_3` ...
  public mutating func fresh(_ hint: String) -> String {
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

  fileprivate func collectNodeNames(into names: inout Set<String>) {
    for node in nodes {
      names.insert(node.name)
      for subgraph in node.subgraphs { subgraph.collectNodeNames(into: &names) }
    }
  }
}

extension Node {
  func collectNames(into names: inout Set<String>) {
    names.formUnion(inputs)
    names.formUnion(outputs)
    for subgraph in subgraphs { subgraph.collectNames(into: &names) }
  }
}
