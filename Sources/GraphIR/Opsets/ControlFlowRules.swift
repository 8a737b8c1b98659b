/// Scan-8 runs over a batch of sequences (axis 0 the batch, axis 1 the steps); Scan-9 over one.
enum ControlFlowRules {
  static let rules: [OpsetUpgrade.VersionedRule] = [.init("Scan", 9, scanOverBatch)]

  /// An outer Scan over the batch whose body scans one sequence.
  private static let scanOverBatch: OpsetUpgrade.Rule = { node, context in
    guard node.input(0) == nil else {
      throw GraphError.unsupported(
        node: node.label, problem: "Scan of opset 8 with 'sequence_lens' is not supported")
    }
    let operands = Array(node.inputs.dropFirst())
    guard let scanned = try node.int("num_scan_inputs"), (0...operands.count).contains(scanned)
    else { throw GraphError.attributeMissing(node: node.label, attribute: "num_scan_inputs") }
    var inner = node
    inner.inputs = operands.map { context.names.fresh("\($0)_sample") }
    inner.outputs = node.outputs.map { $0.isEmpty ? "" : context.names.fresh("\($0)_sample") }
    if let directions = try node.ints("directions") {
      inner.removeAttribute("directions")
      inner.setAttribute("scan_input_directions", .ints(directions))
    }
    // The inner node is of opset 9 already: its body is upgraded here, and only here.
    try inner.mapSubgraphs { graph in
      var graph = graph
      try OpsetUpgrade.upgrade(
        &graph, from: 8, to: context.target, names: &context.names, around: context.tracer)
      return graph
    }
    context.finished.insert(node.identity)
    let kept = inner.outputs.filter { !$0.isEmpty }
    let body = Graph(
      name: "\(node.identity)_batch", inputs: inner.inputs.map { ValueInfo(name: $0, type: nil) },
      outputs: kept.map { ValueInfo(name: $0, type: nil) }, nodes: [inner])
    return [
      Node(
        name: node.name, op: "Scan", inputs: operands,
        outputs: node.outputs.filter { !$0.isEmpty },
        attributes: [
          Attribute("body", .graph(body)), Attribute("num_scan_inputs", .int(operands.count)),
        ])
    ]
  }
}
