import Tensors

extension GraphPatch {
  /// Computes what does not depend on the data: nodes of constants, shape subgraphs as far as the
  /// shapes are known (`inputShapes` fixes open dimensions), and `If`s whose condition that
  /// decides. Quantization nodes stay. What the folding leaves unused is removed.
  public static func foldConstants(inputShapes: [String: [Int]] = [:]) -> GraphPatch {
    GraphPatch("fold constants") { model in
      var names = NameSupply(model.graph)
      while true {
        let scope = try ShapeInference.analyze(
          model, inputShapes: inputShapes, evaluationLimit: 1 << 25)
        if model.graph.inlineBranches(scope, &names) { continue }
        model.graph.fold(scope)
        break
      }
      model.graph.removeDeadNodes()
    }
  }
}

extension Graph {
  /// Results that are larger than everything they are made of are only stored up to this count.
  private static let growthLimit = 16_384

  mutating func fold(_ scope: InferenceScope) {
    let outputNames = Set(outputs.map(\.name))
    var folded: [String: Tensor] = [:]
    var kept: [Node] = []
    kept.reserveCapacity(nodes.count)
    for var node in nodes {
      if node.subgraphs.isEmpty, !node.outputs.contains(where: outputNames.contains),
        let results = Graph.results(of: node, in: scope)
      {
        folded.merge(results) { first, _ in first }
        continue
      }
      for index in node.attributes.indices {
        guard case .graph(var graph) = node.attributes[index].value,
          let inner = scope.child(node, node.attributes[index].name)
        else { continue }
        graph.fold(inner)
        node.attributes[index].value = .graph(graph)
      }
      kept.append(node)
    }
    guard !folded.isEmpty else { return }
    var reads: Set<String> = []
    for node in kept { node.collectReads(into: &reads) }
    // In the order of the nodes, so that the result does not depend on hashing.
    for name in nodes.lazy.flatMap(\.outputs) where reads.contains(name) {
      if let tensor = folded[name] { initializers[name] = tensor }
    }
    nodes = kept
  }

  /// The outputs of a node where all are known.
  private static func results(of node: Node, in scope: InferenceScope) -> [String: Tensor]? {
    let inputCounts = node.inputs.map { scope.value($0)?.count ?? 0 }
    var results: [String: Tensor] = [:]
    for output in node.outputs where !output.isEmpty {
      guard let value = scope.values[output],
        node.op == "Constant" || value.count <= max(growthLimit, inputCounts.max() ?? 0),
        let tensor = value.tensor
      else { return nil }
      results[output] = tensor
    }
    return results.isEmpty ? nil : results
  }
}
