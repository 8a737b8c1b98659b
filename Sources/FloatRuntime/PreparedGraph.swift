import GraphIR
import Tensors

/// Sees every value that a node produces while a graph runs: its name and the tensor.
public typealias ValueObserver = @Sendable (_ name: String, _ tensor: Tensor) -> Void

/// A graph whose nodes are resolved to kernels; runs any number of times.
final class PreparedGraph: Sendable {
  struct Step: Sendable {
    let node: Node
    let kernel: OperatorKernel
    /// Values that no later step and no output reads.
    let lastUses: [String]
  }

  let graph: Graph
  let steps: [Step]

  init(graph: Graph, constant: @escaping @Sendable (String) -> Tensor?) throws {
    self.graph = graph
    let initializers = graph.initializers
    let lookup: @Sendable (String) -> Tensor? = { initializers[$0] ?? constant($0) }
    let missing = PreparedGraph.unsupported(in: graph)
    guard missing.isEmpty else { throw RuntimeError.unsupportedOperators(missing) }
    let context = PreparationContext(constant: lookup) {
      try PreparedGraph(graph: $0, constant: lookup)
    }
    let lastUses = PreparedGraph.lastUses(in: graph)
    steps = try graph.nodes.enumerated().map { index, node in
      guard
        let definition = OperatorRegistry.definitions[
          OperatorRegistry.key(node.op, domain: node.domain)]
      else { throw RuntimeError.unsupportedOperators([node.label]) }
      return Step(
        node: node, kernel: try definition.prepare(node, context), lastUses: lastUses[index])
    }
  }

  /// Labels of the nodes, subgraphs included, whose operator is not implemented.
  static func unsupported(in graph: Graph) -> [String] {
    graph.nodes.flatMap { node in
      let own =
        OperatorRegistry.definitions[OperatorRegistry.key(node.op, domain: node.domain)] == nil
        ? [node.label] : []
      return own + node.subgraphs.flatMap(unsupported)
    }
  }

  private static func lastUses(in graph: Graph) -> [[String]] {
    var seen = Set(graph.outputs.map(\.name))
    var result = Array(repeating: [String](), count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated().reversed() {
      for name in node.inputs + node.outputs + node.subgraphs.flatMap(\.allReadNames)
      where !name.isEmpty && seen.insert(name).inserted {
        result[index].append(name)
      }
    }
    return result
  }

  /// Runs the steps; `inputs` are already checked. Returns the outputs in graph order.
  func run(
    _ inputs: [String: RuntimeValue], context: RunContext, observer: ValueObserver? = nil
  ) throws -> [RuntimeValue] {
    let scope = ValueScope(values: inputs, parent: context.scope)
    for (name, tensor) in graph.initializers where inputs[name] == nil {
      scope[name] = .tensor(tensor)
    }
    let inner = RunContext(pool: context.pool, scope: scope)
    for step in steps {
      let values = step.node.inputs.map { $0.isEmpty ? nil : scope[$0] }
      let results = try step.kernel(OperatorInputs(node: step.node.label, values: values), inner)
      for (name, value) in zip(step.node.outputs, results) where !name.isEmpty {
        scope[name] = value
        if let observer, case .tensor(let tensor) = value { observer(name, tensor) }
      }
      for name in step.lastUses { scope.remove(name) }
    }
    return try graph.outputs.map { output in
      guard let value = scope[output.name] else {
        throw RuntimeError.input(node: "graph", problem: "output '\(output.name)' has no value")
      }
      return value
    }
  }
}

extension Graph {
  /// Every name that the nodes of this graph and of its subgraphs read.
  var allReadNames: [String] {
    nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.allReadNames) } + outputs.map(\.name)
  }
}
