extension Graph {
  /// Names that the nodes of this graph read, with those that its subgraphs read from it (or from
  /// graphs around it), and its outputs.
  var readNames: Set<String> {
    var names = Set(outputs.map(\.name))
    for node in nodes { node.collectReads(into: &names) }
    return names
  }

  /// Names that the graph reads without defining them.
  var capturedNames: Set<String> {
    var own = Set(inputs.map(\.name))
    own.formUnion(initializers.keys)
    for node in nodes { own.formUnion(node.outputs) }
    return readNames.subtracting(own)
  }

  /// How often each name is read by nodes (captures by subgraphs included) and graph outputs.
  var readCounts: [String: Int] {
    var counts: [String: Int] = [:]
    for output in outputs { counts[output.name, default: 0] += 1 }
    for node in nodes {
      for input in node.inputs where !input.isEmpty { counts[input, default: 0] += 1 }
      for subgraph in node.subgraphs {
        for name in subgraph.capturedNames { counts[name, default: 0] += 1 }
      }
    }
    return counts
  }
}

extension Node {
  /// The node's inputs and what its subgraphs capture.
  package func collectReads(into names: inout Set<String>) {
    for input in inputs where !input.isEmpty { names.insert(input) }
    for subgraph in subgraphs { names.formUnion(subgraph.capturedNames) }
  }

  /// Replaces the node's subgraphs by what `transform` makes of them.
  mutating func mapSubgraphs(_ transform: (Graph) throws -> Graph) rethrows {
    for index in attributes.indices {
      switch attributes[index].value {
      case .graph(let graph): attributes[index].value = .graph(try transform(graph))
      case .graphs(let graphs): attributes[index].value = .graphs(try graphs.map(transform))
      default: break
      }
    }
  }
}

extension Node {
  /// Replaces value names, in subgraphs too. Names are unique across a graph and its subgraphs,
  /// so nothing else can be meant.
  mutating func rename(_ names: [String: String]) {
    for index in inputs.indices {
      if let name = names[inputs[index]] { inputs[index] = name }
    }
    for index in outputs.indices {
      if let name = names[outputs[index]] { outputs[index] = name }
    }
    mapSubgraphs { graph in
      var graph = graph
      graph.rename(names)
      return graph
    }
  }
}

extension Graph {
  mutating func rename(_ names: [String: String]) {
    for index in inputs.indices {
      if let name = names[inputs[index].name] { inputs[index].name = name }
    }
    for index in outputs.indices {
      if let name = names[outputs[index].name] { outputs[index].name = name }
    }
    for index in valueInfos.indices {
      if let name = names[valueInfos[index].name] { valueInfos[index].name = name }
    }
    if initializers.keys.contains(where: { names[$0] != nil }) {
      let constants = initializers
      initializers = [:]
      for (name, tensor) in constants { initializers[names[name] ?? name] = tensor }
    }
    for index in nodes.indices { nodes[index].rename(names) }
  }
}
