import GraphIR

extension GraphPatch {
  /// Turns a `Gather` of rows of a constant that is cast into a cast of the gathered rows: what is
  /// not looked up is not cast, and the constant stays packed.
  static var lookUpBeforeCasting: GraphPatch {
    GraphPatch("look up before casting") { model in
      let casts = Dictionary(
        model.graph.nodes.compactMap { node -> (String, Node)? in
          guard node.isOperator("Cast"), let source = node.input(0),
            model.graph.initializers[source] != nil
          else { return nil }
          return (node.identity, node)
        }, uniquingKeysWith: { first, _ in first })
      guard !casts.isEmpty else { return }
      var names = NameSupply(model.graph, nodeNames: true)
      model.graph.nodes = model.graph.nodes.flatMap { node -> [Node] in
        guard node.isOperator("Gather"), let cast = node.input(0).flatMap({ casts[$0] }) else {
          return [node]
        }
        var (lookup, after) = (node, cast)
        let rows = names.fresh(node.identity + "_rows")
        lookup.inputs[0] = cast.inputs[0]
        lookup.outputs = [rows]
        after.name = names.fresh(node.identity + "_cast")
        after.inputs = [rows]
        after.outputs = [node.identity]
        return [lookup, after]
      }
      var read = Set(model.graph.outputs.map(\.name))
      for node in model.graph.nodes { node.collectReads(into: &read) }
      model.graph.nodes.removeAll { casts[$0.identity] != nil && !read.contains($0.identity) }
    }
  }
}
