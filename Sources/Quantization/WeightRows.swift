import CFloatKernels
public import Tensors

/// A float weight as one contiguous row for each output channel; within a row the other axes keep
/// their order. That is the order of im2col columns for `Conv` and of the inner axis for products.
public struct WeightRows: Sendable {
  public let name: String
  public let shape: [Int]
  public let axis: Int
  public let count: Int
  public let length: Int
  /// Consecutive entries of a row that share a scale: all, or a divisor of their number.
  public let block: Int
  /// `[count, length]`; shares the weight's storage where the channels lead.
  public let values: Tensor
  /// The largest magnitude of each row.
  public let largest: [Float]

  /// `block` is the length of a row where it is left out or no divisor of that.
  public init(
    _ weight: Tensor, named name: String, axis: Int, block: Int? = nil
  ) throws(QuantizationError) {
    guard weight.elementType == .float32 else {
      throw .elementType(tensor: name, found: weight.elementType.description)
    }
    guard weight.shape.indices.contains(axis) else {
      throw .axis(tensor: name, axis: axis, shape: weight.shape)
    }
    self.name = name
    self.axis = axis
    shape = weight.shape
    count = weight.shape[axis]
    let length = count == 0 ? 0 : weight.count / count
    self.length = length
    self.block = block.flatMap { $0 > 0 && length % $0 == 0 ? $0 : nil } ?? length
    values = WeightRows.values(weight, axis: axis)
    let count = count
    largest = values.withElements(of: Float.self) { buffer in
      (0..<count).map { row in
        guard length > 0, let start = buffer.baseAddress else { return 0 }
        return fk_largest_magnitude(start + row * length, length)
      }
    }
    guard largest.allSatisfy(\.isFinite) else { throw .notFinite(tensor: name) }
  }

  /// Scales of a row.
  public var blocks: Int { block > 0 ? length / block : 1 }

  /// Scales of all rows.
  public var scaleCount: Int { count * blocks }

  /// The elements of a float tensor of a weight's shape in the order of its rows, `[count, length]`.
  public static func values(_ tensor: Tensor, axis: Int) -> Tensor {
    guard axis == 0 else {
      return permuted(tensor, shape: tensor.shape, axis: axis, inverse: false)
    }
    let count = tensor.shape[0]
    return tensor.reshaped(to: [count, count == 0 ? 0 : tensor.count / count])
  }

  /// Integers in row order put back into the order of the weight.
  public func restored(_ integers: Tensor) -> Tensor {
    axis == 0
      ? integers.reshaped(to: shape)
      : WeightRows.permuted(integers, of: Int8.self, shape: shape, axis: axis, inverse: true)
  }

  /// Values in row order put back into the order of the weight.
  public func restored(floats: Tensor) -> Tensor {
    axis == 0
      ? floats.reshaped(to: shape)
      : WeightRows.permuted(floats, shape: shape, axis: axis, inverse: true)
  }

  /// The rows of a quantized form of this weight, `[count, length]`.
  public func rows(of quantized: QuantizedWeight) -> Tensor {
    axis == 0
      ? quantized.integers.reshaped(to: [count, length])
      : WeightRows.permuted(
        quantized.integers, of: Int8.self, shape: shape, axis: axis, inverse: false)
  }

  /// Moves `axis` of `shape` to the front, or back from there.
  private static func permuted<Element: TensorElement>(
    _ tensor: Tensor, of type: Element.Type = Float.self, shape: [Int], axis: Int, inverse: Bool
  ) -> Tensor {
    let outer = Tensor.count(of: Array(shape[..<axis]))
    let channels = shape[axis]
    let inner = Tensor.count(of: Array(shape[(axis + 1)...]))
    let length = outer * inner
    return tensor.withElements(of: Element.self) { source in
      Tensor(shape: inverse ? shape : [channels, length]) {
        (target: UnsafeMutableBufferPointer<Element>) in
        for block in 0..<outer {
          for channel in 0..<channels {
            let original = (block * channels + channel) * inner
            let row = channel * length + block * inner
            for index in 0..<inner {
              if inverse {
                target[original + index] = source[row + index]
              } else {
                target[row + index] = source[original + index]
              }
            }
          }
        }
      }
    }
  }
}
