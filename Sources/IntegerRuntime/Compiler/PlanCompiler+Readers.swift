import GraphIR

extension PlanCompiler {
  /// The node that alone reads a value which nothing else may see.
  func onlyReader(of name: String) -> Node? {
    guard !graph.outputs.contains(where: { $0.name == name }) else { return nil }
    let readers = graph.nodes.filter { node in
      var reads: Set<String> = []
      node.collectReads(into: &reads)
      return reads.contains(name)
    }
    guard readers.count == 1, readers[0].inputs.count(where: { $0 == name }) == 1 else {
      return nil
    }
    return readers[0]
  }
}
