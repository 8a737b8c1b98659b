public import Tensors

/// A weight as integers with one positive scale for each output channel:
/// `weight[.. c ..] = integers[.. c ..] * scales[c]`, `c` running along `axis`.
public struct QuantizedWeight: Sendable, Codable, Equatable {
  /// Int8 values within `WeightRange.of(bits:)`, in the shape of the weight.
  public var integers: Tensor
  public var scales: [Float]
  public var axis: Int
  /// True width, 2 to 8.
  public var bits: Int

  public init(integers: Tensor, scales: [Float], axis: Int, bits: Int) {
    self.integers = integers
    self.scales = scales
    self.axis = axis
    self.bits = bits
  }
}

/// The integers that a symmetric weight of some width may take.
public enum WeightRange {
  public static let supportedBits = 2...8

  /// `[-127, 127]` at 8 bits, the whole two's-complement range below.
  public static func of(bits: Int) -> ClosedRange<Int> {
    precondition(supportedBits.contains(bits), "weights have 2 to 8 bits, not \(bits)")
    return bits == 8 ? -127...127 : -(1 << (bits - 1))...((1 << (bits - 1)) - 1)
  }
}

extension QuantizedWeight {
  /// The weights that the integers stand for, in the shape of the weight.
  public func dequantized() -> Tensor {
    let inner = Tensor.count(of: Array(integers.shape[(axis + 1)...]))
    return integers.withElements(of: Int8.self) { integers in
      Tensor(shape: self.integers.shape) { (target: UnsafeMutableBufferPointer<Float>) in
        for index in integers.indices {
          target[index] = Float(integers[index]) * scales[index / inner % scales.count]
        }
      }
    }
  }
}
