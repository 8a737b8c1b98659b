import Tensors

/// How operands of several shapes line up under multidirectional broadcasting, with axes merged
/// where every operand walks them as one.
struct Broadcast: Sendable {
  let shape: [Int]
  /// Sizes of the merged axes, outermost first; at least one.
  let extents: [Int]
  /// For each operand, its step in elements along each merged axis; 0 where it is repeated. The
  /// innermost step is 0 or 1.
  let strides: [[Int]]

  var count: Int { Tensor.count(of: shape) }

  /// Nil where the shapes do not broadcast.
  init?(_ shapes: [[Int]]) {
    guard let shape = Broadcast.shape(of: shapes) else { return nil }
    self.shape = shape
    let aligned = shapes.map { operand -> [Int] in
      let padded = Array(repeating: 1, count: shape.count - operand.count) + operand
      var step = 1
      var steps = Array(repeating: 0, count: shape.count)
      for axis in shape.indices.reversed() where padded[axis] != 1 {
        steps[axis] = step
        step *= padded[axis]
      }
      return steps
    }
    var extents: [Int] = []
    var strides = Array(repeating: [Int](), count: shapes.count)
    for axis in shape.indices where shape[axis] != 1 {
      let merges =
        !extents.isEmpty
        && shapes.indices.allSatisfy {
          (strides[$0].last ?? 0) == aligned[$0][axis] * shape[axis]
        }
      if merges {
        extents[extents.count - 1] *= shape[axis]
        for operand in shapes.indices {
          strides[operand][extents.count - 1] = aligned[operand][axis]
        }
      } else {
        extents.append(shape[axis])
        for operand in shapes.indices { strides[operand].append(aligned[operand][axis]) }
      }
    }
    if extents.isEmpty {
      extents = [1]
      for operand in shapes.indices { strides[operand] = [0] }
    }
    self.extents = extents
    self.strides = strides
  }

  /// The common shape; nil where the shapes do not broadcast or the result is too large.
  static func shape(of shapes: [[Int]]) -> [Int]? {
    let rank = shapes.map(\.count).max() ?? 0
    var result = Array(repeating: 1, count: rank)
    for operand in shapes {
      for (offset, size) in operand.enumerated() where size != 1 {
        let axis = rank - operand.count + offset
        if result[axis] == 1 {
          result[axis] = size
        } else if result[axis] != size {
          return nil
        }
      }
    }
    return Tensor.checkedCount(of: result) == nil ? nil : result
  }

  /// Walks the elements `range` of the result, in order, as runs along the innermost axis.
  /// `offsets` are the operands' first elements of the run.
  @inline(__always)
  func forEachRun(
    in range: Range<Int>, _ body: (_ start: Int, _ count: Int, _ offsets: [Int]) -> Void
  ) {
    guard !range.isEmpty else { return }
    let last = extents.count - 1
    var position = Array(repeating: 0, count: extents.count)
    var rest = range.lowerBound
    for axis in extents.indices.reversed() {
      position[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    var offsets = strides.map { steps in zip(steps, position).reduce(0) { $0 + $1.0 * $1.1 } }
    var start = range.lowerBound
    while true {
      let count = min(extents[last] - position[last], range.upperBound - start)
      body(start, count, offsets)
      start += count
      if start >= range.upperBound { return }
      for operand in offsets.indices { offsets[operand] -= strides[operand][last] * position[last] }
      position[last] = 0
      var axis = last - 1
      while axis >= 0 {
        position[axis] += 1
        for operand in offsets.indices { offsets[operand] += strides[operand][axis] }
        if position[axis] < extents[axis] { break }
        for operand in offsets.indices {
          offsets[operand] -= strides[operand][axis] * extents[axis]
        }
        position[axis] = 0
        axis -= 1
      }
    }
  }
}
