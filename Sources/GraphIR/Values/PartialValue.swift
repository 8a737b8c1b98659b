import Tensors

/// A tensor of known shape whose elements are known in full or in part.
struct PartialValue: Sendable {
  private enum Content: Sendable {
    case tensor(Tensor)
    case scalars([Scalar])
  }

  /// Element by element, values are only looked at up to this count.
  static let scalarLimit = 65_536

  let type: ElementType
  let shape: [Int]
  private let content: Content

  init(_ tensor: Tensor) {
    type = tensor.elementType
    shape = tensor.shape
    content = .tensor(tensor)
  }

  /// `scalars.count` must fit `shape`.
  init(type: ElementType, shape: [Int], scalars: [Scalar]) {
    precondition(scalars.count == Tensor.count(of: shape))
    self.type = type
    self.shape = shape
    content = .scalars(scalars)
  }

  var count: Int { Tensor.count(of: shape) }

  /// The elements; nil for large tensors and for types other than integers, bool and float32.
  var scalars: [Scalar]? {
    switch content {
    case .scalars(let list): return list
    case .tensor(let tensor):
      guard tensor.count <= PartialValue.scalarLimit else { return nil }
      if tensor.elementType == .float32 {
        return tensor.elements(of: Float.self).map { .float($0) }
      }
      return tensor.integers()?.map { .int($0) }
    }
  }

  /// The elements as integers; nil unless all are known integers.
  var integers: [Int]? {
    guard let scalars else { return nil }
    var result: [Int] = []
    result.reserveCapacity(scalars.count)
    for scalar in scalars {
      guard let value = scalar.int else { return nil }
      result.append(value)
    }
    return result
  }

  /// The tensor; nil unless every element is known and fits the type.
  var tensor: Tensor? {
    switch content {
    case .tensor(let tensor): return tensor
    case .scalars(let scalars):
      if type == .float32 {
        var floats: [Float] = []
        for scalar in scalars {
          guard case .float(let value) = scalar else { return nil }
          floats.append(value)
        }
        return Tensor(floats, shape: shape)
      }
      return integers.flatMap { Tensor(integers: $0, elementType: type, shape: shape) }
    }
  }

  /// The same elements under another shape; nil where the counts differ.
  func reshaped(to shape: [Int]) -> PartialValue? {
    guard Tensor.checkedCount(of: shape) == count else { return nil }
    switch content {
    case .tensor(let tensor): return PartialValue(tensor.reshaped(to: shape))
    case .scalars(let list): return PartialValue(type: type, shape: shape, scalars: list)
    }
  }

  /// The elements at `indices`, in that order.
  func picking(_ indices: [Int], shape: [Int]) -> PartialValue {
    switch content {
    case .tensor(let tensor): PartialValue(tensor.picking(indices, shape: shape))
    case .scalars(let list):
      PartialValue(type: type, shape: shape, scalars: indices.map { list[$0] })
    }
  }
}

extension Tensor {
  /// The elements at flat `indices`, in that order.
  func picking(_ indices: [Int], shape: [Int]) -> Tensor {
    if elementType == .string { return Tensor(strings: indices.map { strings[$0] }, shape: shape) }
    if elementType.isSubByte {
      // Packed elements: every bit field is read and written on its own.
      let width = elementType.bitWidth
      let perByte = 8 / width
      let mask = UInt8((1 << width) - 1)
      let result = TensorStorage(byteCount: (indices.count + perByte - 1) / perByte)
      let target = result.mutableBytes
      target.initializeMemory(as: UInt8.self, repeating: 0)
      for (position, index) in indices.enumerated() {
        let field = storage.bytes[index / perByte] >> UInt8(index % perByte * width) & mask
        target[position / perByte] |= field << UInt8(position % perByte * width)
      }
      return Tensor(elementType: elementType, shape: shape, storage: result)
    }
    let size = elementType.bitWidth / 8
    let result = TensorStorage(byteCount: indices.count * size)
    if let target = result.mutableBytes.baseAddress, !indices.isEmpty {
      for (position, index) in indices.enumerated() {
        (target + position * size).copyMemory(from: storage.base + index * size, byteCount: size)
      }
    }
    return Tensor(elementType: elementType, shape: shape, storage: result)
  }
}
