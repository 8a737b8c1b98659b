import Parallelism
import Tensors

/// Copies cells of a fixed number of bytes between two strided layouts of the same extents.
///
/// Steps are in cells, may be zero (repetition) or negative (reversal) at the source; the target
/// must not overlap itself.
struct StridedCopy: Sendable {
  private var extents: [Int] = []
  private var source: [Int] = []
  private var target: [Int] = []
  /// Cells that one iteration of the worker pool copies, about.
  private static let chunk = 1 << 14

  init(extents: [Int], source sourceSteps: [Int], target targetSteps: [Int]) {
    for axis in extents.indices where extents[axis] != 1 {
      let size = extents[axis]
      if let last = self.extents.indices.last, source[last] == sourceSteps[axis] * size,
        target[last] == targetSteps[axis] * size
      {
        self.extents[last] *= size
        source[last] = sourceSteps[axis]
        target[last] = targetSteps[axis]
      } else {
        self.extents.append(size)
        source.append(sourceSteps[axis])
        target.append(targetSteps[axis])
      }
    }
  }

  /// `from` and `to` point at the cells where every index is zero.
  func run(
    from: UnsafeRawPointer, to: UnsafeMutableRawPointer, cell: Int, pool: WorkerPool
  ) {
    guard !extents.contains(0) else { return }
    guard let last = extents.indices.last else {
      to.copyMemory(from: from, byteCount: cell)
      return
    }
    if let wider = withWiderCells(cell) {
      return wider.run(from: from, to: to, cell: cell * extents[last], pool: pool)
    }
    nonisolated(unsafe) let (from, to) = (from, to)
    // The axis along which the source is dense, where the target's dense axis is another.
    let across = source[last] == 1 ? nil : source.dropLast().lastIndex(of: 1)
    // Else the longest other axis is looped over without a walk.
    let repeated =
      across ?? extents.indices.dropLast().max { extents[$0] < extents[$1] }
    let outer = extents.indices.filter { $0 != last && $0 != repeated }
    let walk = StridedWalk(
      extents: outer.map { extents[$0] },
      steps: [outer.map { source[$0] }, outer.map { target[$0] }])
    let block = extents[last] * (repeated.map { extents[$0] } ?? 1)
    let rows = max(1, StridedCopy.chunk / block)
    pool.forEach((walk.count + rows - 1) / rows) { index in
      walk.forEach(in: index * rows..<min((index + 1) * rows, walk.count)) { offsets in
        let (x, y) = (from + offsets[0] * cell, to + offsets[1] * cell)
        if let across {
          transpose(x, y, cell, across: across, last: last)
        } else {
          repeatedRows(x, y, cell, repeated, last)
        }
      }
    }
  }

  /// The rows along `axis`; a single one where there is none.
  private func repeatedRows(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ cell: Int, _ axis: Int?, _ last: Int
  ) {
    let count = axis.map { extents[$0] } ?? 1
    let from = (axis.map { source[$0] } ?? 0) * cell
    let to = (axis.map { target[$0] } ?? 0) * cell
    if source[last] == 1, target[last] == 1 {
      let bytes = extents[last] * cell
      for index in 0..<count {
        (y + index * to).copyMemory(from: x + index * from, byteCount: bytes)
      }
    } else {
      for index in 0..<count { row(x + index * from, y + index * to, cell, last) }
    }
  }

  /// The same copy with each short dense row as one cell; nil where rows are no such cells.
  private func withWiderCells(_ cell: Int) -> StridedCopy? {
    guard extents.count > 1, let size = extents.last, source.last == 1, target.last == 1,
      cell * size <= 8, (cell * size).nonzeroBitCount == 1,
      zip(source, target).dropLast().allSatisfy({ $0 % size == 0 && $1 % size == 0 })
    else { return nil }
    return StridedCopy(
      extents: extents.dropLast(), source: source.dropLast().map { $0 / size },
      target: target.dropLast().map { $0 / size })
  }

  private func row(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ cell: Int, _ axis: Int
  ) {
    let count = extents[axis]
    let (from, to) = (source[axis] * cell, target[axis] * cell)
    switch cell {
    case 1: copy(x, y, count, from, to, UInt8.self)
    case 2: copy(x, y, count, from, to, UInt16.self)
    case 4: copy(x, y, count, from, to, UInt32.self)
    case 8: copy(x, y, count, from, to, UInt64.self)
    default:
      for index in 0..<count {
        (y + index * to).copyMemory(from: x + index * from, byteCount: cell)
      }
    }
  }

  private func copy<Cell: BitwiseCopyable>(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int, _ from: Int, _ to: Int,
    _ type: Cell.Type
  ) {
    for index in 0..<count {
      y.storeBytes(
        of: x.loadUnaligned(fromByteOffset: index * from, as: type), toByteOffset: index * to,
        as: type)
    }
  }

  /// A transposition in tiles, so that both sides stay in cache.
  private func transpose(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ cell: Int, across: Int, last: Int
  ) {
    if cell == 4, target[last] == 1 {
      KernelSet.best.table.pointee.transpose(
        x.assumingMemoryBound(to: Float.self), source[last], extents[last], extents[across],
        y.assumingMemoryBound(to: Float.self), target[across])
      return
    }
    let tile = 16
    for first in stride(from: 0, to: extents[across], by: tile) {
      let rows = min(tile, extents[across] - first)
      for column in stride(from: 0, to: extents[last], by: tile) {
        var part = self
        part.extents[last] = min(tile, extents[last] - column)
        for index in first..<first + rows {
          part.row(
            x + (index + column * source[last]) * cell,
            y + (index * target[across] + column * target[last]) * cell, cell, last)
        }
      }
    }
  }
}

/// Walks the index space of some extents in row-major order and keeps an offset for each operand.
struct StridedWalk: Sendable {
  let extents: [Int]
  /// For each operand, its step along each axis.
  let steps: [[Int]]

  var count: Int { Tensor.count(of: extents) }

  func forEach(in range: Range<Int>, _ body: ([Int]) throws -> Void) rethrows {
    guard !range.isEmpty else { return }
    var position = extents.map { _ in 0 }
    var rest = range.lowerBound
    for axis in extents.indices.reversed() {
      position[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    var offsets = steps.map { zip($0, position).reduce(0) { $0 + $1.0 * $1.1 } }
    for _ in range {
      try body(offsets)
      var axis = extents.count - 1
      while axis >= 0 {
        position[axis] += 1
        for operand in offsets.indices { offsets[operand] += steps[operand][axis] }
        if position[axis] < extents[axis] { break }
        for operand in offsets.indices {
          offsets[operand] -= steps[operand][axis] * extents[axis]
        }
        position[axis] = 0
        axis -= 1
      }
    }
  }

  func forEach(_ body: ([Int]) throws -> Void) rethrows { try forEach(in: 0..<count, body) }
}

extension Tensor {
  /// Steps in elements of a dense row-major array.
  static func steps(of shape: [Int]) -> [Int] {
    var steps = shape
    var step = 1
    for axis in shape.indices.reversed() {
      steps[axis] = step
      step *= max(shape[axis], 1)
    }
    return steps
  }
}
