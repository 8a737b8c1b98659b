/// A Swift type whose memory layout is that of one ONNX element of at least 8 bits.
public protocol TensorElement: Sendable {
  static var elementType: ElementType { get }
}

extension Float: TensorElement { public static var elementType: ElementType { .float32 } }
extension Float16: TensorElement { public static var elementType: ElementType { .float16 } }
extension Double: TensorElement { public static var elementType: ElementType { .float64 } }
extension UInt8: TensorElement { public static var elementType: ElementType { .uint8 } }
extension Int8: TensorElement { public static var elementType: ElementType { .int8 } }
extension UInt16: TensorElement { public static var elementType: ElementType { .uint16 } }
extension Int16: TensorElement { public static var elementType: ElementType { .int16 } }
extension UInt32: TensorElement { public static var elementType: ElementType { .uint32 } }
extension Int32: TensorElement { public static var elementType: ElementType { .int32 } }
extension UInt64: TensorElement { public static var elementType: ElementType { .uint64 } }
extension Int64: TensorElement { public static var elementType: ElementType { .int64 } }
extension Bool: TensorElement { public static var elementType: ElementType { .bool } }

extension Tensor {
  /// Makes a tensor from its elements in row-major order; `elements.count` must fit `shape`.
  public init<Element: TensorElement>(_ elements: [Element], shape: [Int]) {
    precondition(elements.count == Tensor.count(of: shape), "\(elements.count) for \(shape)")
    self.init(shape: shape) { (buffer: UnsafeMutableBufferPointer<Element>) in
      _ = buffer.initialize(from: elements)
    }
  }

  /// A scalar.
  public init<Element: TensorElement>(scalar: Element) { self.init([scalar], shape: []) }

  /// Allocates storage and lets `fill` write every element.
  @inlinable
  public init<Element: TensorElement>(
    shape: [Int], fill: (UnsafeMutableBufferPointer<Element>) throws -> Void
  ) rethrows {
    let count = Tensor.count(of: shape)
    let storage = TensorStorage(byteCount: count * MemoryLayout<Element>.stride)
    try fill(
      UnsafeMutableBufferPointer(
        start: storage.mutableBytes.baseAddress?.assumingMemoryBound(to: Element.self),
        count: count))
    self.init(elementType: Element.elementType, shape: shape, storage: storage)
  }

  /// Reads the elements in place. The element type must be the tensor's own, the bytes aligned;
  /// a tensor borrowed from a file that is not aligned is copied first.
  @inlinable
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self,
    _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(Element.elementType == elementType, "\(elementType) read as \(Element.self)")
    let storage = alignedStorage(for: MemoryLayout<Element>.alignment)
    return try withExtendedLifetime(storage) {
      try body(
        UnsafeBufferPointer(
          start: storage.base.assumingMemoryBound(to: Element.self), count: count))
    }
  }

  /// The elements as an array, in row-major order.
  public func elements<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    withElements(of: type) { Array($0) }
  }

  @usableFromInline
  func alignedStorage(for alignment: Int) -> TensorStorage {
    if UInt(bitPattern: storage.base) % UInt(alignment) == 0 { return storage }
    let copy = TensorStorage(byteCount: storage.byteCount)
    copy.mutableBytes.copyMemory(from: storage.bytes)
    return copy
  }
}
