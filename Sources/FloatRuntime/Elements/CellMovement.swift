import Glibc
import Parallelism
import Tensors

extension OperatorInputs {
  /// Number of elements of an output; throws where it does not fit this machine's memory.
  @discardableResult
  func checkedCount(_ shape: [Int], _ type: ElementType) throws -> Int {
    guard let count = Tensor.checkedCount(of: shape), let bytes = type.byteCount(of: count),
      max(bytes, count) <= OperatorInputs.physicalMemory
    else { throw failure("an output of shape \(shape) and type \(type) is too large or negative") }
    return count
  }

  private static let physicalMemory =
    Int(sysconf(Int32(_SC_PHYS_PAGES))) * sysconf(Int32(_SC_PAGESIZE))

  /// Uninitialized bytes for an output whose elements occupy whole bytes.
  func storage(_ shape: [Int], _ type: ElementType) throws -> TensorStorage {
    let count = try checkedCount(shape, type)
    return TensorStorage(byteCount: count * type.cellSize)
  }

  /// Lets `body` move elements about without knowing what they are: packed elements are handed
  /// over as one byte each, strings as indices; the result is turned back into the type of
  /// `tensors`, which must be one.
  func moving(_ tensors: [Tensor], _ body: ([Tensor]) throws -> [Tensor]) throws -> [Tensor] {
    guard let type = tensors.first?.elementType else { throw failure("has no inputs") }
    guard tensors.allSatisfy({ $0.elementType == type }) else {
      throw failure("takes one element type, has \(tensors.map { "\($0.elementType)" })")
    }
    if type == .string {
      var texts: [[UInt8]] = []
      let codes = tensors.map { tensor -> Tensor in
        let first = Int64(texts.count)
        texts += tensor.strings
        return Tensor((0..<tensor.count).map { first + Int64($0) }, shape: tensor.shape)
      }
      return try body(codes).map { result in
        let strings = result.elements(of: Int64.self).map { texts[Int($0)] }
        return Tensor(strings: strings, shape: result.shape)
      }
    }
    guard type.isSubByte else { return try body(tensors) }
    return try body(tensors.map { $0.unpackedCodes() }).map { result in
      guard let packed = TypeConversion().packed(result, as: type) else {
        throw failure("an output of shape \(result.shape) is too large")
      }
      return packed
    }
  }

  func moving(_ tensor: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
    try moving([tensor]) { [try body($0[0])] }[0]
  }

  /// A new array of cells of `x` that are read with `steps` from the cell at `offset`.
  func gathered(
    _ x: Tensor, shape: [Int], extents: [Int], steps: [Int], offset: Int = 0, pool: WorkerPool
  ) throws -> Tensor {
    let storage = try storage(shape, x.elementType)
    if storage.byteCount > 0, let to = storage.mutableBytes.baseAddress {
      let cell = x.elementType.cellSize
      StridedCopy(extents: extents, source: steps, target: Tensor.steps(of: extents))
        .run(from: x.storage.base + offset * cell, to: to, cell: cell, pool: pool)
    }
    return Tensor(elementType: x.elementType, shape: shape, storage: storage)
  }

  /// The cells of `x` at `indices` along an axis; the indices must be in range.
  func taken(_ x: Tensor, _ indices: [Int], axis: Int, shape: [Int]) throws -> Tensor {
    let storage = try storage(shape, x.elementType)
    let outer = Tensor.count(of: Array(x.shape[..<axis]))
    let bytes = Tensor.count(of: Array(x.shape[(axis + 1)...])) * x.elementType.cellSize
    if storage.byteCount > 0, var to = storage.mutableBytes.baseAddress {
      for row in 0..<outer {
        let from = x.storage.base + row * x.shape[axis] * bytes
        for index in indices {
          to.copyMemory(from: from + index * bytes, byteCount: bytes)
          to += bytes
        }
      }
    }
    return Tensor(elementType: x.elementType, shape: shape, storage: storage)
  }

  /// A tensor all of whose cells are the only one of `value`.
  func filled(_ shape: [Int], with value: Tensor) throws -> Tensor {
    try gathered(
      value, shape: shape, extents: shape, steps: shape.map { _ in 0 },
      pool: WorkerPool(threadCount: 1))
  }
}

extension ElementType {
  /// Bytes of an element in the form that `moving` hands over.
  var cellSize: Int { (bitWidth + 7) / 8 }
}

extension Tensor {
  /// The bit patterns of packed elements, one byte each.
  func unpackedCodes() -> Tensor {
    let width = elementType.bitWidth
    let perByte = 8 / width
    let mask = UInt8((1 << width) - 1)
    return Tensor(
      (0..<count).map { (storage.bytes[$0 / perByte] >> ($0 % perByte * width)) & mask },
      shape: shape)
  }

  /// A scalar whose bytes are zero, or the empty string.
  static func zero(_ type: ElementType) -> Tensor {
    if type == .string { return Tensor(strings: [[]], shape: []) }
    let storage = TensorStorage(byteCount: (type.bitWidth + 7) / 8)
    storage.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
    return Tensor(elementType: type, shape: [], storage: storage)
  }
}
