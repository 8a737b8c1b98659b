import CFloatKernels
import Parallelism
import Synchronization
import Tensors

/// A constant right-hand matrix [depth, columns], packed for products of few rows when first
/// needed.
final class MatrixOperand: Sendable {
  let depth: Int
  let columns: Int
  private let tensor: Tensor
  private let packed = Mutex<PackedMatrix?>(nil)

  init?(_ tensor: Tensor) {
    guard tensor.elementType == .float32, tensor.rank == 2, tensor.count > 0 else { return nil }
    self.tensor = tensor
    depth = tensor.shape[0]
    columns = tensor.shape[1]
  }

  /// The transposed matrix, a row for each column of this one.
  func packedTransposed() -> PackedMatrix? {
    packed.withLock { packed in
      if packed == nil {
        packed = tensor.withElements(of: Float.self) { elements in
          elements.baseAddress.map {
            PackedMatrix($0, rows: columns, depth: depth, rowStride: 1, depthStride: columns)
          }
        }
      }
      return packed
    }
  }
}

/// A left-hand matrix [rows, depth] about to be multiplied.
struct MatrixProductOperands {
  /// Up to this many rows, the right-hand side is read once, as the long side of the product.
  private static let fewRows = 8

  let left: UnsafePointer<Float>
  let rows: Int
  let depth: Int
  let columns: Int
  /// Distance between the starts of two rows of the left-hand side.
  let pitch: Int
  var bias: UnsafePointer<Float>?
  var clamp = Clamp.none

  init(left: UnsafePointer<Float>, rows: Int, depth: Int, columns: Int, pitch: Int? = nil) {
    self.left = left
    self.rows = rows
    self.depth = depth
    self.columns = columns
    self.pitch = pitch ?? depth
  }

  /// Writes left * right (+ bias for each column, clamped) into `output`, row-major.
  func multiply(
    _ right: UnsafePointer<Float>, constant: MatrixOperand?,
    into output: UnsafeMutablePointer<Float>, pool: WorkerPool
  ) {
    guard rows > 0, columns > 0 else { return }
    let kernels = KernelSet.best
    if fk_panel_vectors(kernels.table, rows) == 0, rows <= MatrixProductOperands.fewRows,
      let packed = constant?.packedTransposed()
    {
      run(
        kernels, packed: packed, base: left, depthStep: 1, lines: rows, linePitch: pitch, width: 1,
        bias: bias, output: output, rowStride: 1, columnStride: columns, pool: pool)
      return
    }
    let packed = PackedMatrix(left, rows: rows, depth: depth, rowStride: pitch)
    run(
      kernels, packed: packed, base: right, depthStep: columns, lines: 1, linePitch: 0,
      width: columns, bias: nil, output: output, rowStride: columns, columnStride: 1, pool: pool)
    finishColumns(output)
  }

  private func run(
    _ kernels: KernelSet, packed: PackedMatrix, base: UnsafePointer<Float>, depthStep: Int,
    lines: Int, linePitch: Int, width: Int, bias: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, rowStride: Int, columnStride: Int, pool: WorkerPool
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: max(depth, 1)) { offsets in
      for index in 0..<depth { offsets[index] = index * depthStep }
      let final = self.bias == nil || bias != nil
      MatrixProduct(
        kernels: kernels,
        product: fk_product(
          rows: packed.group(0), row_count: packed.rows, depth: depth, bias: bias, residual: nil,
          output: output, row_stride: rowStride, column_stride: columnStride,
          low: final ? clamp.low : -.infinity, high: final ? clamp.high : .infinity),
        columns: fk_columns(
          base: base, depth_offsets: UnsafePointer(offsets.baseAddress), count: lines * width,
          height: lines, width: width, plane_pitch: 0, row_pitch: linePitch, padded: 0)
      ).run(on: pool)
    }
  }

  private func finishColumns(_ output: UnsafeMutablePointer<Float>) {
    guard let bias else { return }
    for row in 0..<rows {
      let line = output + row * columns
      for column in 0..<columns {
        let sum = line[column] + bias[column]
        line[column] = sum < clamp.low ? clamp.low : sum > clamp.high ? clamp.high : sum
      }
    }
  }
}
