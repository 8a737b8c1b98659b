extension Graph {
  /// Replaces every `If` whose condition `scope` knows by the branch that is taken. Returns
  /// whether there was one, here or in subgraphs.
  mutating func inlineBranches(_ scope: InferenceScope, _ names: inout NameSupply) -> Bool {
    var changed = false
    var result: [Node] = []
    let branches = nodes.map { Graph.takenBranch(of: $0, scope) }
    var used: Set<String> = []
    if branches.contains(where: { $0 != nil }) { used = usedNames(except: branches) }
    for (index, original) in nodes.enumerated() {
      var node = original
      if let branch = branches[index] {
        result += splice(branch, for: node, used: &used, &names)
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

  /// The branch that an `If` takes; nil where that is not known.
  private static func takenBranch(of node: Node, _ scope: InferenceScope) -> Graph? {
    guard node.isOperator("If"), let input = node.input(0),
      let condition = scope.value(input)?.integers?.first,
      case .graph(let branch) = node.attribute(condition != 0 ? "then_branch" : "else_branch"),
      branch.outputs.count >= node.outputs.count
    else { return nil }
    return branch
  }

  /// The names of this graph and its subgraphs without those of nodes that have a taken branch.
  private func usedNames(except branches: [Graph?]) -> Set<String> {
    var rest = self
    for index in nodes.indices where branches[index] != nil { rest.nodes[index].attributes = [] }
    var result: Set<String> = []
    rest.collectNames(into: &result)
    return result
  }

  /// The branch's nodes; its outputs become the node's. Other values keep their names unless the
  /// graph uses them already, as branches of different `If`s may name theirs alike.
  private mutating func splice(
    _ branch: Graph, for node: Node, used: inout Set<String>, _ names: inout NameSupply
  ) -> [Node] {
    var branch = branch
    var renames: [String: String] = [:]
    for name in Array(branch.initializers.keys) + branch.nodes.flatMap(\.outputs)
    where !name.isEmpty && !used.insert(name).inserted {
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
