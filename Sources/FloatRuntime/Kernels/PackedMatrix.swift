import CFloatKernels

/// Matrices of equal shape, one for each group, in the block layout of the product kernels.
struct PackedMatrix: Sendable {
  let kernels: KernelSet
  let rows: Int
  let depth: Int
  let groups: Int
  private let groupCount: Int
  private let buffer: FloatBuffer

  /// Element (r, k) of group g is `matrix[(g * rows + r) * rowStride + k * depthStride]`, for a
  /// depth from `firstDepth` on.
  init(
    _ matrix: UnsafePointer<Float>, rows: Int, depth: Int, groups: Int = 1, rowStride: Int,
    depthStride: Int = 1, kernels: KernelSet = .best
  ) {
    self.kernels = kernels
    self.rows = rows
    self.depth = depth
    self.groups = groups
    groupCount = fk_packed_count(kernels.table, rows, depth)
    buffer = FloatBuffer(count: groupCount * groups)
    for group in 0..<groups {
      fk_pack_rows(
        kernels.table, buffer.pointer + group * groupCount, matrix + group * rows * rowStride, rows,
        depth, rowStride, depthStride)
    }
  }

  func group(_ index: Int) -> UnsafePointer<Float> {
    UnsafePointer(buffer.pointer + index * groupCount)
  }
}
