extension Tensor {
  /// The named places of an axis, in that order. Elements take whole bytes.
  public func picking(_ places: some Collection<Int>, axis: Int) -> Tensor {
    var shape = shape
    let length = shape[axis]
    shape[axis] = places.count
    let run = runBytes(axis: axis)
    let storage = TensorStorage(byteCount: Tensor.count(of: shape) * bytesOfElement)
    var target = storage.mutableBytes[...]
    for row in 0..<Tensor.count(of: Array(shape[..<axis])) {
      for place in places {
        let start = (row * length + place) * run
        target = target.taking(self.storage.bytes[start..<start + run])
      }
    }
    return Tensor(elementType: elementType, shape: shape, storage: storage)
  }

  /// Tensors of one type, whose shapes differ in that axis alone, side by side along it; one at least.
  public static func joining(_ parts: [Tensor], axis: Int) -> Tensor {
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let storage = TensorStorage(byteCount: count(of: shape) * parts[0].bytesOfElement)
    var target = storage.mutableBytes[...]
    for row in 0..<count(of: Array(shape[..<axis])) {
      for part in parts {
        let bytes = part.shape[axis] * part.runBytes(axis: axis)
        target = target.taking(part.storage.bytes[row * bytes..<(row + 1) * bytes])
      }
    }
    return Tensor(elementType: parts[0].elementType, shape: shape, storage: storage)
  }

  private var bytesOfElement: Int { elementType.bitWidth / 8 }

  /// Bytes of one place of the axis.
  private func runBytes(axis: Int) -> Int {
    Tensor.count(of: Array(shape[(axis + 1)...])) * bytesOfElement
  }
}

extension Slice<UnsafeMutableRawBufferPointer> {
  /// Copies bytes to the front; what is left behind them.
  fileprivate func taking(_ source: Slice<UnsafeRawBufferPointer>) -> Self {
    UnsafeMutableRawBufferPointer(rebasing: prefix(source.count))
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
    return dropFirst(source.count)
  }
}
