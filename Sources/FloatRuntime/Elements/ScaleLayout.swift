import Parallelism
import Tensors

/// Which scale each element of a quantized tensor has: one for all, one for each index of an
/// axis, or one for each block along an axis.
struct ScaleLayout: Sendable {
  private enum Granularity: Sendable { case tensor, axis, strip, blocks, packedBlocks }

  private let granularity: Granularity
  private let count: Int
  private let size: Int
  private let inner: Int
  private let block: Int
  private static let chunk = 1 << 14

  /// Throws where the scale's shape does not fit the tensor's.
  init(
    shape: [Int], scaleShape: [Int], axis attribute: Int, blockSize: Int,
    _ inputs: OperatorInputs
  ) throws {
    count = Tensor.count(of: shape)
    let scales = Tensor.count(of: scaleShape)
    if blockSize == 0, scales == 1, scaleShape.count <= 1 {
      (granularity, size, inner, block) = (.tensor, 1, 1, 1)
      return
    }
    let axis = try inputs.axis(attribute, rank: shape.count)
    size = shape[axis]
    inner = Tensor.count(of: Array(shape[(axis + 1)...]))
    if blockSize == 0 {
      guard scaleShape == [size] else {
        throw inputs.failure("scales \(scaleShape) do not fit axis \(axis) of \(shape)")
      }
      block = 1
      granularity = inner == 1 ? .strip : .axis
    } else {
      var expected = shape
      guard blockSize > 0 else { throw inputs.failure("block size \(blockSize) is negative") }
      expected[axis] = size / blockSize + (size % blockSize == 0 ? 0 : 1)
      guard scaleShape == expected else {
        throw inputs.failure(
          "scales \(scaleShape) do not fit blocks of \(blockSize) along axis \(axis) of \(shape)")
      }
      block = blockSize
      granularity = inner == 1 ? .packedBlocks : .blocks
    }
  }

  /// Calls `body` for runs of elements; the scale's index grows by `step` from element to element.
  func forEachRun(
    pool: WorkerPool,
    _ body: @Sendable (_ start: Int, _ count: Int, _ scale: Int, _ step: Int) -> Void
  ) {
    guard count > 0 else { return }
    let length =
      switch granularity {
      case .tensor: ScaleLayout.chunk
      case .axis, .blocks: inner
      case .strip: size
      case .packedBlocks: min(block, size)
      }
    let blocks = (size - 1) / block + 1
    let rows =
      switch granularity {
      case .packedBlocks: count / size * blocks
      default: (count - 1) / length + 1
      }
    let group = max(1, ScaleLayout.chunk / length)
    pool.forEach((rows - 1) / group + 1) { index in
      for row in index * group..<min((index + 1) * group, rows) {
        let start = row * length
        switch granularity {
        case .tensor: body(start, min(length, count - start), 0, 0)
        case .axis: body(start, length, row % size, 0)
        case .strip: body(start, length, 0, 1)
        case .blocks:
          body(start, length, (row / size * blocks + row % size / block) * inner, 1)
        case .packedBlocks:
          let first = row % blocks * block
          body(row / blocks * size + first, min(block, size - first), row, 0)
        }
      }
    }
  }
}
