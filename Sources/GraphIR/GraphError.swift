/// What is wrong with a graph, by node and value name.
public enum GraphError: Error, Equatable, Sendable {
  case attributeKind(node: String, attribute: String, expected: String)
  case attributeValue(node: String, attribute: String, problem: String)
  case attributeMissing(node: String, attribute: String)
  case inputMissing(node: String, index: Int)
  case inputCount(node: String, expected: String, found: Int)
  case valueUndefined(node: String, value: String)
  case outputUndefined(value: String)
  case valueRedefined(value: String, by: String)
  case cycle(through: String)
  case shapeMismatch(node: String, problem: String)
  case unsupported(node: String, problem: String)
}

extension GraphError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .attributeKind(let node, let attribute, let expected):
      "\(node): attribute '\(attribute)' must be \(expected)"
    case .attributeValue(let node, let attribute, let problem):
      "\(node): attribute '\(attribute)' \(problem)"
    case .attributeMissing(let node, let attribute):
      "\(node): attribute '\(attribute)' is missing"
    case .inputMissing(let node, let index): "\(node): input \(index) is missing"
    case .inputCount(let node, let expected, let found):
      "\(node): takes \(expected) inputs, has \(found)"
    case .valueUndefined(let node, let value): "\(node) reads '\(value)', which nothing defines"
    case .outputUndefined(let value): "graph output '\(value)' is not defined by any node"
    case .valueRedefined(let value, let by): "value '\(value)' is defined again by \(by)"
    case .cycle(let node): "the graph has a cycle through \(node)"
    case .shapeMismatch(let node, let problem): "\(node): \(problem)"
    case .unsupported(let node, let problem): "\(node): \(problem)"
    }
  }
}
