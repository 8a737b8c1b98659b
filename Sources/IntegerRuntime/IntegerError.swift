/// Why a quantized graph cannot be compiled; by node name.
public enum IntegerError: Error, Equatable, Sendable {
  case layer(node: String, problem: String)
  case parameters(node: String, problem: String)
  case shapeUnknown(value: String)
  case output(name: String)
  case memory(bytes: Int)
}

extension IntegerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .layer(let node, let problem), .parameters(let node, let problem): "\(node): \(problem)"
    case .shapeUnknown(let value):
      "the shape of '\(value)' cannot be told from the shapes of the inputs"
    case .output(let name): "graph output '\(name)' has no value"
    case .memory(let bytes): "activations of \(bytes) bytes are more than can be addressed"
    }
  }
}
