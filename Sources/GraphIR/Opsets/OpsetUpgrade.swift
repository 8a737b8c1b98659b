/// Rewrites nodes of an older standard operator set into equal nodes of a newer one.
public enum OpsetUpgrade {
  public static let oldest = 7
  public static let latest = 25

  /// The IR version that a model of the opset needs at least (table of ONNX releases).
  public static func irVersion(forOpset opset: Int) -> Int {
    switch opset {
    case ...8: 3
    case 9: 4
    case 10: 5
    case 11: 6
    case 12...14: 7
    case 15...18: 8
    case 19...20: 9
    case 21...22: 10
    case 23: 11
    case 24: 12
    default: 13
    }
  }

  /// What makes a node of version `version` out of one of the version before it.
  typealias Rule = @Sendable (Node, inout UpgradeContext) throws -> [Node]

  struct VersionedRule: Sendable {
    let op: String
    let version: Int
    let rewrite: Rule

    init(_ op: String, _ version: Int, _ rewrite: @escaping Rule) {
      self.op = op
      self.version = version
      self.rewrite = rewrite
    }
  }

  /// Rules by operator, oldest first. Operators whose changes are only new types, new optional
  /// attributes with the old behaviour as default, or clearer words have none.
  static let rules: [String: [VersionedRule]] = {
    let all =
      AxesRules.rules + ParameterRules.rules + ResizeRules.rules + NormalizationRules.rules
      + SoftmaxRules.rules + ControlFlowRules.rules + AttributeRules.rules
    return Dictionary(grouping: all, by: \.op).mapValues { $0.sorted { $0.version < $1.version } }
  }()

  /// The nodes that replace `node` when its opset goes from `version` to the context's target.
  static func upgrade(
    _ node: Node, from version: Int, context: inout UpgradeContext
  ) throws -> [Node] {
    guard node.domain.isEmpty,
      let rule = rules[node.op]?.first(where: {
        $0.version > version && $0.version <= context.target
      })
    else { return [node] }
    return try rule.rewrite(node, &context).flatMap {
      try upgrade($0, from: rule.version, context: &context)
    }
  }

  /// Upgrades a graph and its subgraphs.
  static func upgrade(
    _ graph: inout Graph, from version: Int, to target: Int, names: inout NameSupply,
    around: ValueTracer? = nil
  ) throws {
    let tracer = ValueTracer(graph, around: around)
    var context = UpgradeContext(
      target: target, names: names, tracer: tracer, reads: graph.readNames)
    context.reuse(graph)
    var nodes: [Node] = []
    nodes.reserveCapacity(graph.nodes.count)
    for node in graph.nodes {
      nodes += try upgrade(node, from: version, context: &context)
    }
    names = context.names
    for (name, tensor) in context.constants { graph.initializers[name] = tensor }
    for index in nodes.indices
    where !nodes[index].subgraphs.isEmpty && !context.finished.contains(nodes[index].identity) {
      try nodes[index].mapSubgraphs { subgraph in
        var inner = subgraph
        try upgrade(&inner, from: version, to: target, names: &names, around: tracer)
        return inner
      }
    }
    graph.nodes = nodes
  }

  /// Upgrades the body of a function, where new constants are `Constant` nodes.
  static func upgrade(
    body: [Node], inputs: [String], outputs: [String], from version: Int, to target: Int
  ) throws -> [Node] {
    var graph = Graph(
      inputs: inputs.map { ValueInfo(name: $0, type: nil) },
      outputs: outputs.map { ValueInfo(name: $0, type: nil) }, nodes: body)
    var names = NameSupply(graph)
    try upgrade(&graph, from: version, to: target, names: &names)
    return graph.initializers.map { name, tensor in
      Node(
        op: "Constant", inputs: [], outputs: [name],
        attributes: [Attribute("value", .tensor(NamedTensor(tensor: tensor)))])
    } + graph.nodes
  }
}

extension GraphPatch {
  /// Raises the standard operator set to `target` (at most `OpsetUpgrade.latest`), subgraphs and
  /// model-local functions included, and the IR version as far as that needs. A model that is
  /// already there or newer stays as it is.
  public static func upgradeOpset(to target: Int) -> GraphPatch {
    GraphPatch("upgrade to opset \(target)") { model in
      precondition(target <= OpsetUpgrade.latest)
      let version = model.opset
      // Without a standard operator set there is nothing to raise.
      guard version < target, model.operatorSets.contains(where: \.domain.isEmpty) else { return }
      guard version >= OpsetUpgrade.oldest else {
        throw GraphError.unsupported(
          node: "model",
          problem: "opset \(version) is older than \(OpsetUpgrade.oldest), the oldest supported")
      }
      var names = NameSupply(model.graph)
      try OpsetUpgrade.upgrade(&model.graph, from: version, to: target, names: &names)
      for index in model.functions.indices {
        try model.functions[index].upgrade(to: target)
      }
      model.setOpset(target)
    }
  }
}

extension FunctionDefinition {
  mutating func upgrade(to target: Int) throws {
    guard let index = operatorSets.firstIndex(where: \.domain.isEmpty),
      operatorSets[index].version < target
    else { return }
    nodes = try OpsetUpgrade.upgrade(
      body: nodes, inputs: inputs, outputs: outputs, from: operatorSets[index].version,
      to: target)
    operatorSets[index].version = target
  }
}

extension Model {
  mutating func setOpset(_ version: Int) {
    if let index = operatorSets.firstIndex(where: \.domain.isEmpty) {
      operatorSets[index].version = version
    } else {
      operatorSets.append(OperatorSet(version: version))
    }
    if irVersion < 4 {
      // Before IR 4 every initializer had to be listed as an input; from 4 on that would mean
      // that callers may override it.
      graph.inputs.removeAll { graph.initializers[$0.name] != nil }
    }
    irVersion = max(irVersion, 4, OpsetUpgrade.irVersion(forOpset: version))
  }
}
