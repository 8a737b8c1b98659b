import Quantization
import Tensors

/// How the integers of a weight are stored.
enum WeightEncoding {
  /// The smallest type that holds the width.
  static func elementType(bits: Int) -> ElementType {
    switch bits {
    case ...2: .int2
    case 3...4: .int4
    default: .int8
    }
  }

  static func zeros(_ shape: [Int], of elementType: ElementType) -> Tensor {
    let count = Tensor.count(of: shape)
    let storage = TensorStorage(byteCount: elementType.byteCount(of: count) ?? 0)
    storage.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
    return Tensor(elementType: elementType, shape: shape, storage: storage)
  }

  /// The int8 values in a type of 2, 4 or 8 bits, the first one in the low bits of its byte.
  static func pack(_ integers: Tensor, as elementType: ElementType) -> Tensor {
    guard elementType != .int8 else { return integers }
    let width = elementType.bitWidth
    let perByte = 8 / width
    let mask = UInt8((1 << width) - 1)
    let storage = TensorStorage(byteCount: elementType.byteCount(of: integers.count) ?? 0)
    let bytes = storage.mutableBytes
    integers.withElements(of: Int8.self) { values in
      for position in 0..<bytes.count {
        var byte: UInt8 = 0
        let first = position * perByte
        for offset in 0..<min(perByte, values.count - first) {
          byte |= (UInt8(bitPattern: values[first + offset]) & mask) << UInt8(offset * width)
        }
        bytes[position] = byte
      }
    }
    return Tensor(elementType: elementType, shape: integers.shape, storage: storage)
  }
}
