import GraphIR
import Tensors

/// Sees every value that a node produces while a graph runs: its name and the tensor.
public typealias ValueObserver = @Sendable (_ name: String, _ tensor: Tensor) -> Void

/// A graph whose nodes are resolved to kernels and whose values are resolved to slots; runs any
/// number of times.
final class PreparedGraph: Sendable {
  struct Step: Sendable {
    let node: Node
    let label: String
    let kernel: OperatorKernel
    /// Slots of the inputs; nil where omitted.
    let inputs: [Int?]
    let outputs: [Int?]
    /// Slots that no later step and no output reads.
    let releases: [Int]
  }

  let graph: Graph
  let steps: [Step]
  let slots: [String: Int]
  /// The values of the slots before a run: initializers.
  let initial: [RuntimeValue?]
  /// Values of the graphs around this one that it reads.
  private let captured: [(name: String, slot: Int)]
  private let inputSlots: [Int]
  private let outputSlots: [Int]

  init(graph: Graph, constant: @escaping @Sendable (String) -> Tensor?) throws {
    self.graph = graph
    let initializers = graph.initializers
    let lookup: @Sendable (String) -> Tensor? = { initializers[$0] ?? constant($0) }
    let missing = PreparedGraph.unsupported(in: graph)
    guard missing.isEmpty else { throw RuntimeError.unsupportedOperators(missing) }
    let context = PreparationContext(constant: lookup) {
      try PreparedGraph(graph: $0, constant: lookup)
    }
    let table = SlotTable(graph: graph)
    slots = table.slots
    captured = table.captured
    initial = table.initialValues(graph)
    inputSlots = graph.inputs.compactMap { table.slots[$0.name] }
    outputSlots = graph.outputs.compactMap { table.slots[$0.name] }
    let lastUses = PreparedGraph.lastUses(in: graph)
    steps = try graph.nodes.enumerated().map { index, node in
      guard
        let definition = OperatorRegistry.definitions[
          OperatorRegistry.key(node.op, domain: node.domain)]
      else { throw RuntimeError.unsupportedOperators([node.label]) }
      return Step(
        node: node, label: node.label, kernel: try definition.prepare(node, context),
        inputs: node.inputs.map { table.slots[$0] }, outputs: node.outputs.map { table.slots[$0] },
        releases: lastUses[index].compactMap { table.slots[$0] })
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
    var seen = Set(graph.outputs.map(\.name)).union(graph.initializers.keys)
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
    let scope = ValueScope(slots: slots, values: initial, parent: context.scope)
    for (name, value) in inputs {
      if let slot = slots[name] { scope.values[slot] = value }
    }
    return try run(scope, context: context, observer: observer)
  }

  /// The same with the values of the graph's inputs in their order.
  func run(ordered inputs: [RuntimeValue], context: RunContext) throws -> [RuntimeValue] {
    let scope = ValueScope(slots: slots, values: initial, parent: context.scope)
    for (slot, value) in zip(inputSlots, inputs) { scope.values[slot] = value }
    return try run(scope, context: context, observer: nil)
  }

  private func run(
    _ scope: ValueScope, context: RunContext, observer: ValueObserver?
  ) throws -> [RuntimeValue] {
    for (name, slot) in captured { scope.values[slot] = context.scope[name] }
    let inner = RunContext(pool: context.pool, scope: scope, trace: context.trace)
    for step in steps {
      let values = step.inputs.map { slot in slot.flatMap { scope.values[$0] } }
      let operands = OperatorInputs(node: step.label, values: values)
      let results =
        try context.trace?.measure(step.node, scope: scope) { try step.kernel(operands, inner) }
        ?? step.kernel(operands, inner)
      for (index, (slot, value)) in zip(step.outputs, results).enumerated() {
        guard let slot else { continue }
        scope.values[slot] = value
        if let observer, case .tensor(let tensor) = value {
          observer(step.node.outputs[index], tensor)
        }
      }
      for slot in step.releases { scope.values[slot] = nil }
    }
    return try zip(graph.outputs, outputSlots).map { output, slot in
      guard let value = scope.values[slot] else {
        throw RuntimeError.input(node: "graph", problem: "output '\(output.name)' has no value")
      }
      return value
    }
  }
}

/// Numbers the values that a graph defines or reads.
private struct SlotTable {
  private(set) var slots: [String: Int] = [:]
  private(set) var captured: [(name: String, slot: Int)] = []

  init(graph: Graph) {
    for name in graph.inputs.map(\.name) { add(name) }
    for name in graph.initializers.keys { add(name) }
    for node in graph.nodes {
      for name in node.outputs { add(name) }
    }
    for name in graph.allReadNames where !name.isEmpty && slots[name] == nil {
      add(name)
      captured.append((name, slots.count - 1))
    }
  }

  private mutating func add(_ name: String) {
    if !name.isEmpty, slots[name] == nil { slots[name] = slots.count }
  }

  func initialValues(_ graph: Graph) -> [RuntimeValue?] {
    var values = [RuntimeValue?](repeating: nil, count: slots.count)
    for (name, tensor) in graph.initializers {
      if let slot = slots[name] { values[slot] = .tensor(tensor) }
    }
    return values
  }
}

extension Graph {
  /// Every name that the nodes of this graph and of its subgraphs read.
  var allReadNames: [String] {
    nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.allReadNames) } + outputs.map(\.name)
  }
}
