extension Graph {
  /// Replaces every `If` whose condition `scope` knows by the branch that is taken. Returns
  /// whether there was one, here or in subgraphs.
  mutating func inlineBranches(_ scope: InferenceScope, _ names: inout NameSupply) -> Bool {
    var changed = false
    var result: [Node] = []
    for var node in nodes {
      if node.isOperator("If"), let input = node.input(0),
        let condition = scope.value(input)?.integers?.first,
        case .graph(let branch) = node.attribute(condition != 0 ? "then_branch" : "else_branch"),
        branch.outputs.count >= node.outputs.count
      {
        result += splice(branch, for: node, &names)
        changed = true
        continue
      }
      for index in node.attributes.indices {
        guard case .graph(var graph) = node.attributes[index].value,
          let inner = scope.child(node, node.attributes[index].name)
        else { continue }
        if graph.inlineBranches(inner, &names) {
          node.attributes[index].value = .graph(graph)
          changed = true
        }
      }
      result.append(node)
    }
    nodes = result
    return changed
  }

  /// The branch's nodes, its values renamed so that they collide with nothing and its outputs are
  /// those of the node. Branches of one `If` may use the same names.
  private mutating func splice(
    _ branch: Graph, for node: Node, _ names: inout NameSupply
  ) -> [Node] {
    var branch = branch
    var renames: [String: String] = [:]
    for name in branch.initializers.keys { renames[name] = names.fresh(name) }
    for name in branch.nodes.flatMap(\.outputs) where !name.isEmpty {
      renames[name] = names.fresh(name)
    }
    var own = Set(branch.nodes.flatMap(\.outputs))
    var passed: [Node] = []
    for (inner, outer) in zip(branch.outputs.map(\.name), node.outputs) where !outer.isEmpty {
      if own.remove(inner) != nil {
        renames[inner] = outer
      } else {
        passed.append(
          Node(op: "Identity", inputs: [renames[inner] ?? inner], outputs: [outer]))
      }
    }
    branch.rename(renames)
    for (name, tensor) in branch.initializers { initializers[name] = tensor }
    return branch.nodes + passed
  }
}
