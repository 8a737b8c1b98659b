public import Tensors

/// A weight as integers with positive scales, one for each output channel, `c` running along `axis`:
/// `weight[.. c ..] = integers[.. c ..] * scales[c]`; or one for each of `blocks` equal runs of a
/// channel's entries, in the order of `WeightRows`.
public struct QuantizedWeight: Sendable, Codable, Equatable {
  /// Int8 values within `WeightRange.of(bits:)`, in the shape of the weight.
  public var integers: Tensor
  /// `[channels, blocks]`.
  public var scales: [Float]
  public var axis: Int
  /// True width, 2 to 8.
  public var bits: Int
  /// Scales of a channel.
  public var blocks: Int

  public init(integers: Tensor, scales: [Float], axis: Int, bits: Int, blocks: Int = 1) {
    self.integers = integers
    self.scales = scales
    self.axis = axis
    self.bits = bits
    self.blocks = blocks
  }

  /// Entries of a channel that share a scale.
  public var block: Int { integers.count / max(scales.count, 1) }

  /// One for each entry, in the order of `WeightRows`: `[channels, length]`.
  public var scalesOfEntries: [Float] {
    scales.flatMap { repeatElement($0, count: block) }
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
    let (channels, block) = (integers.shape[axis], block)
    return integers.withElements(of: Int8.self) { integers in
      Tensor(shape: self.integers.shape) { (target: UnsafeMutableBufferPointer<Float>) in
        for outer in 0..<integers.count / max(channels * inner, 1) {
          let (first, begun) = (outer * inner).quotientAndRemainder(dividingBy: block)
          for channel in 0..<channels {
            let line = (outer * channels + channel) * inner
            // Runs of neighbours that share a scale.
            var (done, part, left) = (0, first, block - begun)
            while done < inner {
              let end = min(done + left, inner)
              let scale = scales[channel * blocks + part]
              for index in line + done..<line + end {
                target[index] = Float(integers[index]) * scale
              }
              (done, part, left) = (end, part + 1, block)
            }
          }
        }
      }
    }
  }
}
