import Tensors

/// What is known of the values of one graph; a subgraph's scope sees those around it.
final class InferenceScope {
  let around: InferenceScope?
  private(set) var types: [String: InferredType] = [:]
  private(set) var values: [String: PartialValue] = [:]
  /// Scopes of subgraphs, by node identity and attribute.
  private(set) var children: [ChildKey: InferenceScope] = [:]
  /// Results of more elements than this are not computed.
  let evaluationLimit: Int

  init(around: InferenceScope? = nil, evaluationLimit: Int) {
    self.around = around
    self.evaluationLimit = evaluationLimit
  }

  func type(_ name: String) -> InferredType? { types[name] ?? around?.type(name) }

  func value(_ name: String) -> PartialValue? {
    types[name] != nil ? values[name] : around?.value(name)
  }

  func define(_ name: String, _ type: InferredType, _ value: PartialValue? = nil) {
    types[name] = type
    values[name] = value
  }

  func define(_ name: String, _ tensor: Tensor) {
    define(
      name, InferredType(tensor.elementType, tensor.shape.map { .fixed($0) }),
      PartialValue(tensor))
  }

  struct ChildKey: Hashable {
    let node: String
    let attribute: String
  }

  func child(_ node: Node, _ attribute: String) -> InferenceScope? {
    children[ChildKey(node: node.identity, attribute: attribute)]
  }

  /// Keeps the finished scope of a subgraph.
  func keep(_ scope: InferenceScope, _ node: Node, _ attribute: String) {
    children[ChildKey(node: node.identity, attribute: attribute)] = scope
  }

  /// Types of the values of all subgraphs.
  var innerTypes: [String: InferredType] {
    var result: [String: InferredType] = [:]
    for scope in children.values {
      result.merge(scope.types) { $0.common(with: $1) }
      result.merge(scope.innerTypes) { $0.common(with: $1) }
    }
    return result
  }
}
