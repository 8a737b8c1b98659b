extension GraphPatch {
  /// Replaces every call of a model-local function by its body, nested calls included, and drops
  /// the functions. Bodies of an older opset than the model's are upgraded to it.
  public static var inlineFunctions: GraphPatch {
    GraphPatch("inline functions") { model in
      guard !model.functions.isEmpty else { return }
      var inliner = FunctionInliner(model)
      try inliner.expand(&model.graph, depth: 0)
      model.functions = []
      // A function's domain is of no use without its functions.
      let used = model.graph.domains
      model.operatorSets.removeAll { !$0.domain.isEmpty && !used.contains($0.domain) }
      for set in inliner.imported
      where used.contains(set.domain)
        && !model.operatorSets.contains(where: { $0.domain == set.domain })
      {
        model.operatorSets.append(set)
      }
    }
  }
}

private struct FunctionInliner {
  private struct Key: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  private let functions: [Key: FunctionDefinition]
  private let opset: Int
  private var names: NameSupply
  /// Operator sets that the functions import.
  let imported: [OperatorSet]

  init(_ model: Model) {
    functions = Dictionary(
      model.functions.map { (Key(domain: $0.domain, name: $0.name, overload: $0.overload), $0) },
      uniquingKeysWith: { first, _ in first })
    opset = model.opset
    names = NameSupply(model.graph)
    imported = model.functions.flatMap(\.operatorSets).filter { !$0.domain.isEmpty }
  }

  private func function(for node: Node) -> FunctionDefinition? {
    functions[Key(domain: node.domain, name: node.op, overload: node.overload)]
  }

  mutating func expand(_ graph: inout Graph, depth: Int) throws {
    graph.nodes = try expand(graph.nodes, depth: depth)
  }

  private mutating func expand(_ nodes: [Node], depth: Int) throws -> [Node] {
    var result: [Node] = []
    for node in nodes {
      var node = node
      if let function = function(for: node) {
        // Functions may not call themselves; a cycle shows as depth.
        guard depth < 64 else {
          throw GraphError.unsupported(
            node: node.label, problem: "the function calls itself, directly or through others")
        }
        result += try expand(try body(of: function, calledBy: node), depth: depth + 1)
      } else {
        if !node.subgraphs.isEmpty {
          try node.mapSubgraphs { graph in
            var graph = graph
            graph.nodes = try expand(graph.nodes, depth: depth)
            return graph
          }
        }
        result.append(node)
      }
    }
    return result
  }

  /// The function's nodes with its parameters bound to the call's values and attributes.
  private mutating func body(
    of function: FunctionDefinition, calledBy call: Node
  ) throws -> [Node] {
    guard call.inputs.count <= function.inputs.count,
      call.outputs.count <= function.outputs.count
    else {
      throw GraphError.inputCount(
        node: call.label, expected: "at most \(function.inputs.count)", found: call.inputs.count)
    }
    var attributes = Dictionary(
      function.attributeDefaults.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    for attribute in call.attributes { attributes[attribute.name] = attribute.value }
    var nodes = function.nodes.map { $0.binding(attributes) }
    let version = function.operatorSets.first { $0.domain.isEmpty }?.version ?? opset
    if version < opset, opset <= OpsetUpgrade.latest {
      nodes = try OpsetUpgrade.upgrade(
        body: nodes, inputs: function.inputs, outputs: function.outputs, from: version, to: opset)
    }
    var renames: [String: String] = [:]
    for (index, name) in function.inputs.enumerated() {
      renames[name] = index < call.inputs.count ? call.inputs[index] : ""
    }
    var passed: [Node] = []
    for (name, outer) in zip(function.outputs, call.outputs) where !outer.isEmpty {
      if let input = renames[name] {
        // An output that is an input, or that two outputs share, needs a node of its own.
        passed.append(Node(op: "Identity", inputs: [input], outputs: [outer]))
      } else {
        renames[name] = outer
      }
    }
    let prefix = call.name.isEmpty ? call.identity : call.name
    return nodes.map { renamed($0, prefix: prefix, &renames) } + passed
  }

  private mutating func renamed(
    _ node: Node, prefix: String, _ renames: inout [String: String]
  ) -> Node {
    var node = node
    node.inputs = node.inputs.map { $0.isEmpty ? "" : renames[$0] ?? $0 }
    node.mapSubgraphs { graph in
      var graph = graph
      var inner = renames
      for index in graph.inputs.indices {
        let fresh = names.fresh("\(prefix)/\(graph.inputs[index].name)")
        inner[graph.inputs[index].name] = fresh
        graph.inputs[index].name = fresh
      }
      let constants = graph.initializers
      graph.initializers = [:]
      for (name, tensor) in constants {
        let fresh = names.fresh("\(prefix)/\(name)")
        inner[name] = fresh
        graph.initializers[fresh] = tensor
      }
      graph.nodes = graph.nodes.map { renamed($0, prefix: prefix, &inner) }
      graph.valueInfos = []
      for index in graph.outputs.indices {
        graph.outputs[index].name = inner[graph.outputs[index].name] ?? graph.outputs[index].name
      }
      return graph
    }
    node.outputs = node.outputs.map { name in
      if name.isEmpty { return "" }
      if let known = renames[name] { return known }
      let fresh = names.fresh("\(prefix)/\(name)")
      renames[name] = fresh
      return fresh
    }
    if !node.name.isEmpty { node.name = "\(prefix)/\(node.name)" }
    return node
  }
}

extension Node {
  /// The node with attribute references replaced; one to an attribute that the call omits goes.
  fileprivate func binding(_ values: [String: AttributeValue]) -> Node {
    var node = self
    node.attributes = attributes.compactMap { attribute in
      guard case .reference(let name, _) = attribute.value else { return attribute }
      return values[name].map {
        Attribute(attribute.name, $0, docString: attribute.docString)
      }
    }
    node.mapSubgraphs { graph in
      var graph = graph
      graph.nodes = graph.nodes.map { $0.binding(values) }
      return graph
    }
    return node
  }
}

extension Graph {
  /// The operator domains that the graph and its subgraphs use.
  var domains: Set<String> {
    var result: Set<String> = []
    for node in nodes {
      result.insert(node.domain)
      for graph in node.subgraphs { result.formUnion(graph.domains) }
    }
    return result
  }
}
