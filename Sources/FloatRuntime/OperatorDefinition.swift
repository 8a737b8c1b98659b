import GraphIR
import Tensors

/// Runs a prepared node: inputs in (nil where omitted), one value for each output of the node.
typealias OperatorKernel = @Sendable (OperatorInputs, RunContext) throws -> [RuntimeValue]

/// An operator of the newest opset that tapq knows (`OpsetUpgrade.latest`): older nodes are
/// rewritten to it before they get here.
struct OperatorDefinition: Sendable {
  let name: String
  let domain: String
  /// Reads attributes and constants once; throws where the node asks for what is not implemented.
  let prepare: @Sendable (Node, PreparationContext) throws -> OperatorKernel

  init(
    _ name: String, domain: String = "",
    prepare: @escaping @Sendable (Node, PreparationContext) throws -> OperatorKernel
  ) {
    self.name = name
    self.domain = domain
    self.prepare = prepare
  }
}

/// What is known when a node is prepared.
struct PreparationContext: Sendable {
  /// Constants of this graph and of those around it.
  let constant: @Sendable (String) -> Tensor?
  /// Prepares a subgraph; running it sees the values around the node.
  let prepareSubgraph: @Sendable (Graph) throws -> PreparedGraph

  /// The constant at an input of the node; nil where it is omitted or computed.
  func constantInput(_ node: Node, _ index: Int) -> Tensor? {
    node.input(index).flatMap { constant($0) }
  }
}

/// The inputs of one run of a node.
struct OperatorInputs: Sendable {
  let node: String
  let values: [RuntimeValue?]

  var count: Int { values.count }

  /// The input at `index`, nil where it is omitted.
  func value(_ index: Int) -> RuntimeValue? { index < values.count ? values[index] : nil }

  /// The tensor at `index`; throws where it is omitted or not a tensor.
  func tensor(_ index: Int) throws -> Tensor {
    guard let tensor = try optionalTensor(index) else {
      throw RuntimeError.input(node: node, problem: "input \(index) is missing")
    }
    return tensor
  }

  /// The tensor at `index`; nil where it is omitted.
  func optionalTensor(_ index: Int) throws -> Tensor? {
    switch value(index) {
    case nil: return nil
    case .tensor(let tensor): return tensor
    case .optional(.some(.tensor(let tensor))): return tensor
    case .some: throw RuntimeError.input(node: node, problem: "input \(index) is not a tensor")
    }
  }
}
