/// A dense, row-major, immutable n-dimensional array.
///
/// Sub-byte elements are packed as in ONNX `raw_data`: the first element in the low bits.
/// Strings live in `strings`, everything else in `storage`. Copies share storage.
public struct Tensor: Sendable {
  public let elementType: ElementType
  public let shape: [Int]
  public let storage: TensorStorage
  /// The elements of a `.string` tensor, empty otherwise. Bytes, as ONNX strings need not be UTF-8.
  public let strings: [[UInt8]]

  /// Wraps storage whose size was computed with `ElementType.byteCount(of:)`.
  public init(elementType: ElementType, shape: [Int], storage: TensorStorage) {
    precondition(
      elementType.byteCount(of: Tensor.count(of: shape)) == storage.byteCount,
      "\(elementType) tensor of shape \(shape) does not fit \(storage.byteCount) bytes")
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
    strings = []
  }

  public init(strings: [[UInt8]], shape: [Int]) {
    precondition(strings.count == Tensor.count(of: shape))
    elementType = .string
    self.shape = shape
    self.strings = strings
    storage = TensorStorage(byteCount: 0)
  }

  /// Number of elements, sub-byte ones included; 1 for a scalar.
  public var count: Int { Tensor.count(of: shape) }
  public var rank: Int { shape.count }

  /// Product of the dimensions. For shapes that come from a file use `checkedCount`.
  @inlinable
  public static func count(of shape: [Int]) -> Int {
    var product = 1
    for dimension in shape { product *= dimension }
    return product
  }

  /// Product of the dimensions; nil if one is negative or the product overflows.
  public static func checkedCount(of shape: [Int]) -> Int? {
    guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
    if shape.contains(0) { return 0 }
    var product = 1
    for dimension in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      product = next
    }
    return product
  }

  /// The same elements under another shape of equal count.
  public func reshaped(to shape: [Int]) -> Tensor {
    elementType == .string
      ? Tensor(strings: strings, shape: shape)
      : Tensor(elementType: elementType, shape: shape, storage: storage)
  }
}
