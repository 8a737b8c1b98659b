public import GraphIR

extension FloatEngine {
  /// The nodes, subgraphs included, whose operator is not implemented, found without preparing the
  /// model. Nodes are those of the model at the engine's opset.
  public static func unsupportedNodes(in model: Model) throws -> [Node] {
    let upgraded =
      model.opset < OpsetUpgrade.latest
      ? try GraphPatch.upgradeOpset(to: OpsetUpgrade.latest).apply(to: model) : model
    return unsupportedNodes(
      in: try GraphPatch.expandQuantizedOperators.apply(to: upgraded).graph)
  }

  private static func unsupportedNodes(in graph: Graph) -> [Node] {
    graph.nodes.flatMap { node in
      let key = OperatorRegistry.key(node.op, domain: node.domain)
      let own = OperatorRegistry.definitions[key] == nil ? [node] : []
      return own + node.subgraphs.flatMap { unsupportedNodes(in: $0) }
    }
  }
}
