public import Tensors

/// One axis of a declared shape.
public enum Dimension: Sendable, Codable, Hashable {
  case fixed(Int)
  case symbolic(String)
  case unknown

  /// The size where it is fixed.
  public var size: Int? {
    if case .fixed(let size) = self { size } else { nil }
  }
}

/// The type of a value. A nil shape means unknown rank.
public indirect enum ValueType: Sendable, Codable, Hashable {
  case tensor(ElementType, shape: [Dimension]?)
  case sequence(ValueType)
  case optional(ValueType)
  /// A type that tapq does not interpret (map, sparse tensor); kept as serialized `TypeProto`.
  case opaque([UInt8])
}

/// A named value with its declared or inferred type.
public struct ValueInfo: Sendable, Codable, Hashable {
  public var name: String
  /// Nil where the file declares no type.
  public var type: ValueType?
  public var docString: String
  /// Serialized fields that tapq does not interpret, written back unchanged.
  public var unknownFields: [UInt8]

  public init(
    name: String, type: ValueType?, docString: String = "", unknownFields: [UInt8] = []
  ) {
    self.name = name
    self.type = type
    self.docString = docString
    self.unknownFields = unknownFields
  }
}
