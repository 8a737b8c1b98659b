import GraphIR
import Parallelism
import Tensors

@testable import FloatRuntime

/// Runs single nodes of the engine's operators.
enum OperatorHarness {
  static func run(
    _ op: String, _ inputs: [Tensor?], _ attributes: [Attribute] = [], domain: String = "",
    outputs: Int = 1
  ) throws -> [RuntimeValue] {
    let node = Node(
      name: "tested", op: op, domain: domain,
      inputs: inputs.indices.map { inputs[$0] == nil ? "" : "x\($0)" },
      outputs: (0..<outputs).map { "y\($0)" }, attributes: attributes)
    guard
      let definition = OperatorRegistry.definitions[OperatorRegistry.key(op, domain: domain)]
    else { throw RuntimeError.unsupportedOperators([node.label]) }
    let context = PreparationContext(
      constant: { _ in nil },
      prepareSubgraph: { try PreparedGraph(graph: $0) { _ in nil } })
    let kernel = try definition.prepare(node, context)
    return try kernel(
      OperatorInputs(node: node.label, values: inputs.map { $0.map(RuntimeValue.tensor) }),
      RunContext(pool: WorkerPool(threadCount: 1)))
  }

  /// The only tensor that the node gives.
  static func tensor(
    _ op: String, _ inputs: [Tensor?], _ attributes: [Attribute] = []
  ) throws -> Tensor {
    guard case .tensor(let tensor)? = try run(op, inputs, attributes).first else {
      throw RuntimeError.input(node: op, problem: "gives no tensor")
    }
    return tensor
  }
}
