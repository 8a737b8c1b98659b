import CIntegerKernels
import Tensors

/// What the integers of a value stand for: real = (q - zero) * scale. Kernels see unsigned
/// integers only; those of a signed type are kept 128 higher, its zero point too.
struct QuantizedParameters: Sendable, Equatable {
  var scale: Float
  var zero: UInt8
  var isSigned: Bool

  init(scale: Float, zero: UInt8, isSigned: Bool) {
    self.scale = scale
    self.zero = zero
    self.isSigned = isSigned
  }

  /// Nil for other than 8-bit types, and for a zero point outside the type.
  init?(scale: Float, zeroPoint: Int, elementType: ElementType) {
    guard elementType == .uint8 || elementType == .int8 else { return nil }
    let isSigned = elementType == .int8
    guard let zero = UInt8(exactly: isSigned ? zeroPoint + 128 : zeroPoint) else { return nil }
    self.init(scale: scale, zero: zero, isSigned: isSigned)
  }

  var elementType: ElementType { isSigned ? .int8 : .uint8 }
  var affine: ik_affine { ik_affine(scale: scale, zero: Int32(zero)) }

  /// The integer that stands for the real nearest to `value`; the least for NaN.
  func quantized(_ value: Float) -> UInt8 {
    let shifted = (value / scale).rounded(.toNearestOrEven) + Float(zero)
    return shifted > 0 ? UInt8(min(shifted, 255)) : 0
  }
}

extension UInt8 {
  func clamped(to limits: ClosedRange<UInt8>) -> UInt8 {
    Swift.min(Swift.max(self, limits.lowerBound), limits.upperBound)
  }
}
