extension Graph {
  /// Throws the first broken invariant: every value defined once, before it is read; every
  /// output defined. `outer` holds the names that the graphs around this one define.
  public func validate(outer: Set<String> = []) throws(GraphError) {
    var defined = outer
    var own: Set<String> = []
    for input in inputs {
      guard own.insert(input.name).inserted else {
        throw .valueRedefined(value: input.name, by: "another graph input")
      }
    }
    own.formUnion(initializers.keys)
    for node in nodes {
      for output in node.outputs where !output.isEmpty {
        guard own.insert(output).inserted else {
          throw .valueRedefined(value: output, by: node.label)
        }
      }
    }
    defined.formUnion(inputs.map(\.name))
    defined.formUnion(initializers.keys)
    for node in nodes {
      for input in node.inputs where !input.isEmpty && !defined.contains(input) {
        throw own.contains(input)
          ? .cycle(through: node.label) : .valueUndefined(node: node.label, value: input)
      }
      for subgraph in node.subgraphs { try subgraph.validate(outer: defined) }
      defined.formUnion(node.outputs)
    }
    for output in outputs where !defined.contains(output.name) {
      throw .outputUndefined(value: output.name)
    }
  }
}
