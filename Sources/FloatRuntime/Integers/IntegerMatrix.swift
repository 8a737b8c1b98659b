import Parallelism
import Tensors

/// A right-hand matrix [depth, columns] of integers, multiplied with exact int32 sums by the
/// float kernels.
struct IntegerMatrix: Sendable {
  let depth: Int
  let columns: Int
  /// Whether no sum, bias included, can leave int32.
  let fitsInt32: Bool
  private let bias: [Int32]?
  private let pieces: [(first: Int, matrix: Tensor, operand: MatrixOperand?)]

  /// `matrix` holds integers as floats; `reach` bounds the left-hand side's magnitude.
  init(_ matrix: Tensor, bias: [Int32]?, reach: Int) {
    depth = matrix.shape[0]
    columns = matrix.shape[1]
    self.bias = bias
    let columns = columns
    let depth = depth
    let plan = matrix.withElements(of: Float.self) {
      ExactPieces(
        weights: $0, rows: columns, depth: depth, rowStride: 1, depthStride: columns, reach: reach,
        bias: bias)
    }
    fitsInt32 = plan.fitsInt32
    pieces = plan.ranges.map { range in
      let part = matrix.withElements(of: Float.self) { elements in
        Tensor(
          Array(elements[range.lowerBound * columns..<range.upperBound * columns]),
          shape: [range.count, columns])
      }
      return (range.lowerBound, part, MatrixOperand(part))
    }
  }

  /// The sums of `rows` rows at `left`, under `shape`.
  func sums(
    _ left: UnsafePointer<Float>, rows: Int, shape: [Int], pool: WorkerPool
  ) -> IntegerSums {
    let whole = pieces.count == 1
    let floatBias = whole ? bias.map { Tensor($0.map(Float.init), shape: [columns]) } : nil
    var wide = whole ? [] : [Int32](repeating: 0, count: rows * columns)
    if let bias {
      for index in wide.indices { wide[index] = bias[index % columns] }
    }
    var result = Tensor([Float](), shape: [0])
    for piece in pieces {
      result = Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        guard let out = out.baseAddress else { return }
        piece.matrix.withElements(of: Float.self) { right in
          floatBias.withFloats { bias in
            guard let right = right.baseAddress else { return }
            var operands = MatrixProductOperands(
              left: left + piece.first, rows: rows, depth: piece.matrix.shape[0],
              columns: columns, pitch: depth)
            operands.bias = bias
            operands.multiply(right, constant: piece.operand, into: out, pool: pool)
          }
        }
      }
      guard !whole else { break }
      result.withElements(of: Float.self) { partial in
        for index in wide.indices { wide[index] &+= Int32(partial[index]) }
      }
    }
    return whole ? .exact(result) : .wide(wide, shape: shape)
  }
}
