public import Tensors

/// The value of a node's attribute. Strings are bytes: ONNX does not promise UTF-8.
public indirect enum AttributeValue: Sendable, Codable, Equatable {
  case float(Float)
  case int(Int)
  case string([UInt8])
  case tensor(NamedTensor)
  case graph(Graph)
  case floats([Float])
  case ints([Int])
  case strings([[UInt8]])
  case tensors([NamedTensor])
  case graphs([Graph])
  /// A reference to an attribute of the enclosing model-local function.
  case reference(String, kind: Int32)
  /// A kind that tapq does not interpret (sparse tensor, type); kept as serialized `AttributeProto`.
  case opaque([UInt8])
}

/// A tensor with what else its `TensorProto` carries.
public struct NamedTensor: Sendable, Codable, Equatable {
  public var name: String
  public var tensor: Tensor
  public var docString: String
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    name: String = "", tensor: Tensor, docString: String = "", unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.tensor = tensor
    self.docString = docString
    self.unknownFields = unknownFields
  }
}

/// A named attribute of a node.
public struct Attribute: Sendable, Codable, Equatable {
  public var name: String
  public var value: AttributeValue
  public var docString: String
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    _ name: String, _ value: AttributeValue, docString: String = "", unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.value = value
    self.docString = docString
    self.unknownFields = unknownFields
  }
}
