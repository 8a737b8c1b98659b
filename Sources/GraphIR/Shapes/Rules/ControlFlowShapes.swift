import Tensors

/// If, Loop and Scan: their bodies are inferred in scopes of their own.
enum ControlFlowShapes {
  static let rules: [String: ShapeRule] = [
    "If": { try conditional($0) },
    "Loop": { try loop($0) },
    "Scan": { try scan($0) },
  ]

  /// The output types of a subgraph whose inputs have the given types.
  private static func outputs(
    _ attribute: String, of node: InferenceNode, inputs: [InferredType], keep: Bool = true
  ) throws -> [InferredType] {
    guard let graph = try node.node.graph(attribute) else {
      throw GraphError.attributeMissing(node: node.node.label, attribute: attribute)
    }
    let scope = node.scope
    let inner = InferenceScope(around: scope, evaluationLimit: scope.evaluationLimit)
    for (name, tensor) in graph.initializers { inner.define(name, tensor) }
    for (index, input) in graph.inputs.enumerated() {
      let given = index < inputs.count ? inputs[index] : .unknown
      inner.define(input.name, given.filled(from: InferredType(input.type)))
    }
    try ShapeInference.run(graph, in: inner)
    if keep { scope.keep(inner, node.node, attribute) }
    return graph.outputs.map { inner.type($0.name) ?? InferredType($0.type) }
  }

  private static func conditional(_ node: InferenceNode) throws -> [InferredType] {
    let condition = node.integers(0)?.first
    let names = ["then_branch", "else_branch"]
    var branches: [[InferredType]] = []
    for (index, name) in names.enumerated() {
      // A branch that is never taken may contradict what is known.
      if let condition, (condition != 0) != (index == 0) { continue }
      branches.append(try outputs(name, of: node, inputs: []))
    }
    guard branches.count == 2 else { return branches.first ?? [] }
    return zip(branches[0], branches[1]).map { $0.common(with: $1) }
  }

  private static func loop(_ node: InferenceNode) throws -> [InferredType] {
    let count = max(0, node.inputs.count - 2)
    let counter = InferredType(.int64, [])
    let condition = InferredType(.bool, [])
    var states = (0..<count).map { node.type($0 + 2) }
    let once = try outputs(
      "body", of: node, inputs: [counter, condition] + states, keep: false)
    guard once.count > count else { return [] }
    // What a state keeps over one iteration it may lose over two, never over more.
    for _ in 0..<2 {
      let next = try outputs(
        "body", of: node, inputs: [counter, condition] + states, keep: false)
      for index in states.indices { states[index] = states[index].common(with: next[index + 1]) }
    }
    let final = try outputs("body", of: node, inputs: [counter, condition] + states)
    let trips: Dimension = .unknown
    return zip(states, final.dropFirst()).map { $0.common(with: $1) }
      + final.dropFirst(count + 1).map {
        InferredType($0.element, $0.shape.map { [trips] + $0 })
      }
  }

  private static func scan(_ node: InferenceNode) throws -> [InferredType] {
    guard let scanned = try node.node.int("num_scan_inputs"), scanned > 0,
      scanned <= node.inputs.count
    else { throw GraphError.attributeMissing(node: node.node.label, attribute: "num_scan_inputs") }
    let count = node.inputs.count - scanned
    let states = (0..<count).map(node.type)
    let axes = try node.node.ints("scan_input_axes") ?? Array(repeating: 0, count: scanned)
    var steps: Dimension = .unknown
    var slices: [InferredType] = []
    for index in 0..<scanned {
      var slice = node.type(count + index)
      if let shape = slice.shape {
        let axis = try node.axis(index < axes.count ? axes[index] : 0, rank: shape.count)
        steps = try node.unify(steps, shape[axis], "lengths of the scanned inputs")
        slice.shape?.remove(at: axis)
      }
      slices.append(slice)
    }
    let results = try outputs("body", of: node, inputs: states + slices)
    guard results.count >= count else { return [] }
    let outputAxes = try node.node.ints("scan_output_axes") ?? []
    let sequences = try results.dropFirst(count).enumerated().map { index, type in
      guard var shape = type.shape else { return type }
      let axis = try node.axis(
        index < outputAxes.count ? outputAxes[index] : 0, rank: shape.count + 1)
      shape.insert(steps, at: axis)
      return InferredType(type.element, shape)
    }
    return zip(states, results).map { $0.common(with: $1) } + sequences
  }
}
