extension Tensor {
  /// The entries `range` of the first axis, without copying. Nil for scalars, for an out-of-range
  /// `range`, and for sub-byte elements, whose rows need not start at a byte.
  public func rows(_ range: Range<Int>) -> Tensor? {
    guard let length = shape.first, range.lowerBound >= 0, range.upperBound <= length,
      !elementType.isSubByte
    else { return nil }
    let rowShape = Array(shape.dropFirst())
    let rowCount = Tensor.count(of: rowShape)
    let result = [range.count] + rowShape
    if elementType == .string {
      let slice = strings[range.lowerBound * rowCount..<range.upperBound * rowCount]
      return Tensor(strings: Array(slice), shape: result)
    }
    let rowBytes = rowCount * elementType.bitWidth / 8
    let slice = storage.bytes[range.lowerBound * rowBytes..<range.upperBound * rowBytes]
    return Tensor(
      elementType: elementType, shape: result,
      storage: TensorStorage(borrowing: UnsafeRawBufferPointer(rebasing: slice), owner: storage))
  }

  /// Joins tensors of one type along their first axis; nil where the other axes differ, for
  /// sub-byte elements and for an empty list.
  public init?(joiningRows tensors: [Tensor]) {
    guard let first = tensors.first, first.rank > 0, !first.elementType.isSubByte,
      tensors.allSatisfy({
        $0.elementType == first.elementType && $0.shape.dropFirst() == first.shape.dropFirst()
          && $0.rank > 0
      })
    else { return nil }
    let shape = [tensors.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst()
    if first.elementType == .string {
      self.init(strings: tensors.flatMap(\.strings), shape: shape)
      return
    }
    let storage = TensorStorage(byteCount: tensors.reduce(0) { $0 + $1.storage.byteCount })
    var offset = 0
    for tensor in tensors {
      let target = UnsafeMutableRawBufferPointer(
        rebasing: storage.mutableBytes[offset..<offset + tensor.storage.byteCount])
      target.copyMemory(from: tensor.storage.bytes)
      offset += tensor.storage.byteCount
    }
    self.init(elementType: first.elementType, shape: shape, storage: storage)
  }
}
