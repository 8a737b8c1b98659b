extension Tensor {
  /// The elements of a bool or integer tensor of any width (packed ones widened) as `Int`;
  /// nil for other types and for `uint64` values that do not fit.
  public func integers() -> [Int]? {
    switch elementType {
    case .bool: elements(of: UInt8Bool.self).map { $0.value == 0 ? 0 : 1 }
    case .uint8: elements(of: UInt8.self).map(Int.init)
    case .int8: elements(of: Int8.self).map(Int.init)
    case .uint16: elements(of: UInt16.self).map(Int.init)
    case .int16: elements(of: Int16.self).map(Int.init)
    case .uint32: elements(of: UInt32.self).map(Int.init)
    case .int32: elements(of: Int32.self).map(Int.init)
    case .int64: elements(of: Int64.self).map(Int.init)
    case .uint64:
      elements(of: UInt64.self).reduce(into: [Int]?([])) { list, value in
        if let exact = Int(exactly: value) { list?.append(exact) } else { list = nil }
      }
    case .uint4, .int4, .uint2, .int2: unpackedIntegers()
    default: nil
    }
  }

  private func unpackedIntegers() -> [Int] {
    let width = elementType.bitWidth
    let perByte = 8 / width
    let mask = (1 << width) - 1
    let signed = elementType == .int4 || elementType == .int2
    return (0..<count).map { index in
      let value = (Int(storage.bytes[index / perByte]) >> (index % perByte * width)) & mask
      return signed && value >> (width - 1) == 1 ? value - mask - 1 : value
    }
  }

  /// Packs integers into any integer or bool type; nil if one is out of the type's range.
  public init?(integers: [Int], elementType: ElementType, shape: [Int]) {
    guard integers.count == Tensor.checkedCount(of: shape) else { return nil }
    if elementType != .uint64, elementType != .bool {
      guard let range = elementType.integerRange, integers.allSatisfy(range.contains) else {
        return nil
      }
    }
    switch elementType {
    case .bool: self.init(integers.map { $0 != 0 }, shape: shape)
    case .uint8: self.init(integers.map { UInt8(truncatingIfNeeded: $0) }, shape: shape)
    case .int8: self.init(integers.map { Int8(truncatingIfNeeded: $0) }, shape: shape)
    case .uint16: self.init(integers.map { UInt16(truncatingIfNeeded: $0) }, shape: shape)
    case .int16: self.init(integers.map { Int16(truncatingIfNeeded: $0) }, shape: shape)
    case .uint32: self.init(integers.map { UInt32(truncatingIfNeeded: $0) }, shape: shape)
    case .int32: self.init(integers.map { Int32(truncatingIfNeeded: $0) }, shape: shape)
    case .int64: self.init(integers.map { Int64($0) }, shape: shape)
    case .uint64:
      guard integers.allSatisfy({ $0 >= 0 }) else { return nil }
      self.init(integers.map { UInt64($0) }, shape: shape)
    default:
      guard let byteCount = elementType.byteCount(of: integers.count) else { return nil }
      let storage = TensorStorage(byteCount: byteCount)
      let bytes = storage.mutableBytes
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      let width = elementType.bitWidth
      let perByte = 8 / width
      let mask = UInt8((1 << width) - 1)
      for (index, value) in integers.enumerated() {
        let field = UInt8(truncatingIfNeeded: value) & mask
        bytes[index / perByte] |= field << (index % perByte * width)
      }
      self.init(elementType: elementType, shape: shape, storage: storage)
    }
  }
}

/// A bool byte from a file may hold any value; reading it as `Bool` would be undefined.
private struct UInt8Bool: TensorElement {
  let value: UInt8
  static var elementType: ElementType { .bool }
}
