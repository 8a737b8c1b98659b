import GraphIR
import Tensors

/// Who makes and who reads each value of a graph.
struct GraphIndex {
  private(set) var producers: [String: Int] = [:]
  /// Readers in node order; a node that reads a value twice appears twice.
  private(set) var uses: [String: [QuantizationSites.ValueUse]] = [:]
  private(set) var consumers: [String: [Int]] = [:]
  private(set) var constants: [String: Tensor] = [:]
  let outputs: Set<String>
  /// Values that subgraphs may read.
  private(set) var captured: Set<String> = []
  let nodes: [Node]

  init(_ graph: Graph) {
    nodes = graph.nodes
    outputs = Set(graph.outputs.map(\.name))
    for (name, tensor) in graph.initializers { constants[name] = tensor }
    for (position, node) in graph.nodes.enumerated() {
      for output in node.outputs where !output.isEmpty { producers[output] = position }
      for (input, name) in node.inputs.enumerated() where !name.isEmpty {
        consumers[name, default: []].append(position)
        uses[name, default: []].append(.init(node: node.identity, input: input))
      }
      if node.isOperator("Constant"), let output = node.output(0), let tensor = node.constantValue {
        constants[output] = tensor
      }
      for subgraph in node.subgraphs { captured.formUnion(GraphIndex.namesRead(in: subgraph)) }
    }
  }

  func producer(of value: String) -> Node? { producers[value].map { nodes[$0] } }

  /// The only reader of the value; nil where there are several, or where the value leaves the
  /// graph or enters a subgraph.
  func onlyConsumer(of value: String) -> Node? {
    guard let readers = consumers[value], readers.count == 1, !isVisibleOutside(value) else {
      return nil
    }
    return nodes[readers[0]]
  }

  func isVisibleOutside(_ value: String) -> Bool {
    outputs.contains(value) || captured.contains(value)
  }

  private static func namesRead(in graph: Graph) -> Set<String> {
    var names = Set(graph.outputs.map(\.name))
    for node in graph.nodes {
      names.formUnion(node.inputs)
      for subgraph in node.subgraphs { names.formUnion(namesRead(in: subgraph)) }
    }
    return names
  }
}
