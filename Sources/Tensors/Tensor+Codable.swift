import Foundation

extension Tensor: Codable {
  private enum Key: String, CodingKey { case elementType, shape, bytes, strings }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let type = try container.decode(ElementType.self, forKey: .elementType)
    let shape = try container.decode([Int].self, forKey: .shape)
    let bytes = try container.decode([UInt8].self, forKey: .bytes)
    let strings = try container.decode([[UInt8]].self, forKey: .strings)
    guard let count = Tensor.checkedCount(of: shape),
      type == .string ? strings.count == count : type.byteCount(of: count) == bytes.count
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .shape, in: container, debugDescription: "shape \(shape) does not fit the data")
    }
    if type == .string {
      self.init(strings: strings, shape: shape)
    } else {
      let storage = TensorStorage(byteCount: bytes.count)
      storage.mutableBytes.copyBytes(from: bytes)
      self.init(elementType: type, shape: shape, storage: storage)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(elementType, forKey: .elementType)
    try container.encode(shape, forKey: .shape)
    try container.encode(Array(storage.bytes), forKey: .bytes)
    try container.encode(strings, forKey: .strings)
  }
}

extension Tensor: Equatable {
  /// Equal type, shape and bytes; a NaN equals itself, -0 differs from 0.
  public static func == (left: Tensor, right: Tensor) -> Bool {
    left.elementType == right.elementType && left.shape == right.shape
      && left.strings == right.strings && left.storage.byteCount == right.storage.byteCount
      && memcmp(left.storage.base, right.storage.base, left.storage.byteCount) == 0
  }
}
