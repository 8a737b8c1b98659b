import Parallelism
import Tensors

/// Layer normalization of float32 rows, or of the sum of two, whose scale and bias have one value for
/// each element.
struct DenseNormalization {
  private let x: Tensor
  private let addend: Tensor?
  private let scale: Tensor
  private let bias: Tensor?
  private let count: Int
  private let epsilon: Float

  /// Nil where the operands have other types or shapes; `row` is the shape of what is normalized.
  init?(
    _ x: Tensor, addend: Tensor? = nil, scale: Tensor, bias: Tensor?, row: [Int], epsilon: Float
  ) {
    let operands = [x, scale] + [addend, bias].compactMap(\.self)
    guard operands.allSatisfy({ $0.elementType == .float32 }), scale.shape == row,
      bias == nil || bias?.shape == row, scale.count > 0,
      addend == nil || addend?.shape == x.shape
    else { return nil }
    self.x = x
    self.addend = addend
    self.scale = scale
    self.bias = bias
    self.epsilon = epsilon
    count = scale.count
  }

  /// The result, and for each row its mean and the reciprocal of its deviation.
  func run(rows: Int, pool: WorkerPool) -> (y: Tensor, mean: Tensor, inverse: Tensor) {
    var means = x
    var inverses = x
    let y = Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
      means = Tensor(shape: [rows]) { (mean: UnsafeMutableBufferPointer<Float>) in
        inverses = Tensor(shape: [rows]) { (inverse: UnsafeMutableBufferPointer<Float>) in
          write(rows, out, mean, inverse, pool)
        }
      }
    }
    return (y, means, inverses)
  }

  private func write(
    _ rows: Int, _ out: UnsafeMutableBufferPointer<Float>,
    _ mean: UnsafeMutableBufferPointer<Float>, _ inverse: UnsafeMutableBufferPointer<Float>,
    _ pool: WorkerPool
  ) {
    x.withElements(of: Float.self) { source in
      scale.withElements(of: Float.self) { scale in
        bias.withFloats { bias in
          addend.withFloats { addend in
            guard let source = source.baseAddress, let out = out.baseAddress,
              let mean = mean.baseAddress, let inverse = inverse.baseAddress
            else { return }
            nonisolated(unsafe) let (from, to, means, inverses) = (source, out, mean, inverse)
            nonisolated(unsafe) let (scales, offsets, added) = (scale.baseAddress, bias, addend)
            let batch = max(1, Elementwise.chunk / 2 / count)
            pool.forEach((rows + batch - 1) / batch) { task in
              for row in task * batch..<min((task + 1) * batch, rows) {
                KernelSet.best.table.pointee.normalize(
                  from + row * count, added.map { $0 + row * count }, count, epsilon, scales,
                  offsets, to + row * count, means + row, inverses + row)
              }
            }
          }
        }
      }
    }
  }
}
