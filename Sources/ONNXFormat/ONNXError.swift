public import GraphIR
public import Tensors

/// What is wrong with a model or tensor file, or with the place it is written to.
public enum ONNXError: Error, Equatable, Sendable {
  case unreadable(file: String, reason: String)
  case notAFile(file: String)
  case empty(file: String)
  case tooLarge(file: String)
  case malformed(file: String, offset: Int)
  case scatteredTensor(file: String, offset: Int)
  case outOfMemory(file: String)
  case noGraph(file: String)
  case opset(file: String, version: Int, supported: ClosedRange<Int>)
  case opsetMissing(file: String)
  case graph(file: String, GraphError)
  case sparseInitializer(file: String, name: String)
  case valueShape(file: String, value: String, shape: [Int])

  case tensorType(file: String, tensor: String, code: Int)
  case tensorShape(file: String, tensor: String, shape: [Int])
  case tensorSize(file: String, tensor: String, type: String, shape: [Int], needed: Int, found: Int)
  case attributeKind(file: String, node: String, attribute: String, declared: String)
  case attributeUnknown(file: String, node: String, attribute: String, code: Int)
  case valueKind(file: String)

  case externalDescription(file: String, tensor: String, key: String)
  case externalMissing(file: String, tensor: String, location: String, reason: String)
  case externalOutside(file: String, tensor: String, location: String)
  case externalLength(file: String, tensor: String, needed: Int, found: Int)
  case externalRange(
    file: String, tensor: String, location: String, offset: Int, length: Int, size: Int)

  case output(TensorFileError)
}

extension ONNXError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
    case .notAFile(let file): "\(file) is not a regular file"
    case .empty(let file): "\(file) is empty"
    case .tooLarge(let file):
      "\(file) is larger than 2 GiB, the limit of an ONNX file; store its weights as external data"
    case .malformed(let file, let offset):
      "\(file) is not an ONNX file, or it is truncated or damaged"
        + (offset > 0 ? " near byte \(offset)" : "")
    case .scatteredTensor(let file, let offset):
      "\(file): the tensor near byte \(offset) is stored in several pieces, which is not supported"
    case .outOfMemory(let file): "\(file) does not fit into memory"
    case .noGraph(let file): "\(file) is not an ONNX model: it has no graph"
    case .opset(let file, let version, let supported):
      "\(file) uses opset \(version); supported are \(supported.lowerBound) to "
        + "\(supported.upperBound)"
    case .opsetMissing(let file):
      "\(file) uses standard operators but does not say of which opset"
    case .graph(let file, let error): "\(file): \(error)"
    case .sparseInitializer(let file, let name):
      "\(file): '\(name)' is a sparse initializer, which is not supported; store it dense"
    case .valueShape(let file, let value, let shape):
      "\(file): value '\(value)' is declared with the impossible shape \(shape); "
        + "an axis of any size needs a name instead of a number"
    case .tensorType(let file, let tensor, let code):
      "\(file): tensor '\(tensor)' has the unknown element type \(code)"
    case .tensorShape(let file, let tensor, let shape):
      "\(file): tensor '\(tensor)' has the impossible shape \(shape)"
    case .tensorSize(let file, let tensor, let type, let shape, let needed, let found):
      "\(file): tensor '\(tensor)' (\(type) \(shape)) needs \(needed) "
        + "\(type == "string" ? "strings" : "bytes") but the file holds \(found)"
    case .attributeKind(let file, let node, let attribute, let declared):
      "\(file): \(node): attribute '\(attribute)' is declared \(declared) "
        + "but holds no such value"
    case .attributeUnknown(let file, let node, let attribute, let code):
      "\(file): \(node): attribute '\(attribute)' has the unknown type \(code)"
    case .valueKind(let file):
      "\(file) holds a map or a sparse tensor, which is not supported"
    case .externalDescription(let file, let tensor, let key):
      "\(file): tensor '\(tensor)' has external data with a missing or unusable '\(key)'"
    case .externalMissing(let file, let tensor, let location, let reason):
      "\(file): the data file '\(location)' of tensor '\(tensor)' cannot be read: \(reason)"
    case .externalOutside(let file, let tensor, let location):
      "\(file): the data file '\(location)' of tensor '\(tensor)' leaves the model's folder"
    case .externalLength(let file, let tensor, let needed, let found):
      "\(file): tensor '\(tensor)' needs \(needed) bytes but its external data has \(found)"
    case .externalRange(let file, let tensor, let location, let offset, let length, let size):
      "\(file): tensor '\(tensor)' needs \(length) bytes from byte \(offset) of '\(location)', "
        + "which has \(size)"
    case .output(let error): error.description
    }
  }
}
