import Tensors

/// Flat source indices of strided views, in row-major order of the view.
enum IndexMap {
  static func strides(of shape: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// Indices `offset + sum(i[a] * strides[a])` for every position of `shape`.
  static func view(shape: [Int], strides: [Int], offset: Int = 0) -> [Int] {
    var indices = [offset]
    for (size, stride) in zip(shape, strides) {
      var next: [Int] = []
      next.reserveCapacity(indices.count * size)
      for index in indices {
        for step in 0..<size { next.append(index + step * stride) }
      }
      indices = next
    }
    return indices
  }

  /// Indices of the elements of `shape` that broadcasting to `target` repeats.
  static func broadcast(_ shape: [Int], to target: [Int]) -> [Int] {
    let missing = target.count - shape.count
    let strides = strides(of: shape)
    let stretched = target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : strides[axis - missing]
    }
    return view(shape: target, strides: stretched)
  }

  /// The shape that two shapes broadcast to; nil where they do not.
  static func broadcast(_ left: [Int], _ right: [Int]) -> [Int]? {
    let rank = max(left.count, right.count)
    var result: [Int] = []
    for axis in 0..<rank {
      let leftAxis = axis - (rank - left.count)
      let rightAxis = axis - (rank - right.count)
      let leftSize = leftAxis < 0 ? 1 : left[leftAxis]
      let rightSize = rightAxis < 0 ? 1 : right[rightAxis]
      guard leftSize == rightSize || leftSize == 1 || rightSize == 1 else { return nil }
      result.append(leftSize == 1 ? rightSize : leftSize)
    }
    return result
  }
}
