import Tensors

@testable import GraphIR

func float(_ name: String, _ shape: [Dimension]?) -> ValueInfo {
  ValueInfo(name: name, type: .tensor(.float32, shape: shape))
}

func fixed(_ sizes: Int...) -> [Dimension] { sizes.map { .fixed($0) } }

func ints(_ values: Int...) -> Tensor { Tensor(values.map(Int64.init), shape: [values.count]) }

func model(
  opset: Int, inputs: [ValueInfo], outputs: [String], initializers: [String: Tensor] = [:],
  nodes: [Node], irVersion: Int = 8
) -> Model {
  var graph = Graph(
    name: "test", inputs: inputs, outputs: outputs.map { ValueInfo(name: $0, type: nil) },
    nodes: nodes)
  for (name, tensor) in initializers.sorted(by: { $0.key < $1.key }) {
    graph.initializers[name] = tensor
  }
  return Model(
    irVersion: irVersion, operatorSets: [OperatorSet(version: opset)], graph: graph)
}

func node(
  _ op: String, _ inputs: [String], _ outputs: [String],
  _ attributes: KeyValuePairs<String, AttributeValue> = [:]
) -> Node {
  Node(
    name: "\(op)_\(outputs.first ?? "")", op: op, inputs: inputs, outputs: outputs,
    attributes: attributes.map { Attribute($0.key, $0.value) })
}

func text(_ value: String) -> AttributeValue { .string(Array(value.utf8)) }
