import Tensors

extension Tensor {
  /// A scalar of a floating-point or integer type; nil where the type cannot hold the value.
  init?(scalar value: Float, as type: ElementType) {
    switch type {
    case .float32: self.init(scalar: value)
    case .float64: self.init(scalar: Double(value))
    case .float16:
      self.init(bits: Float16(value).bitPattern, type: .float16)
    case .bfloat16:
      // Round to nearest even on the upper half of the float's bits.
      let bits = value.bitPattern
      let rounded = value.isNaN ? bits | 0x0040_0000 : bits &+ 0x7fff &+ ((bits >> 16) & 1)
      self.init(bits: UInt16(truncatingIfNeeded: rounded >> 16), type: .bfloat16)
    default:
      guard let integer = Int(exactly: value) else { return nil }
      self.init(integers: [integer], elementType: type, shape: [])
    }
  }

  private init(bits: UInt16, type: ElementType) {
    let storage = TensorStorage(byteCount: 2)
    storage.mutableBytes.storeBytes(of: bits, as: UInt16.self)
    self.init(elementType: type, shape: [], storage: storage)
  }
}
