import Tensors

/// Reductions, ArgMax/ArgMin and TopK.
enum ReductionShapes {
  static let rules: [String: ShapeRule] = [String: ShapeRule](
    [
      "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
      "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
    ], { [InferredType($0.element(0), try reduced($0))] }
  ).adding([
    "ArgMax": { [InferredType(.int64, try argument($0))] },
    "ArgMin": { [InferredType(.int64, try argument($0))] },
    "TopK": { node in
      guard var shape = node.shape(0) else {
        return [InferredType(node.element(0)), InferredType(.int64)]
      }
      let axis = try node.axis(try node.node.int("axis") ?? -1, rank: shape.count)
      let count = node.value(1)?.scalars?.first?.dimension ?? .unknown
      if let k = count.size, let size = shape[axis].size, k > size {
        throw node.mismatch("k is \(k), the axis has \(size)")
      }
      shape[axis] = count
      return [InferredType(node.element(0), shape), InferredType(.int64, shape)]
    },
  ])

  private static func reduced(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    let keeps = try node.node.int("keepdims") ?? 1 != 0
    let isComputed = node.has(1) && node.integers(1) == nil
    if isComputed { return keeps ? shape.map { _ in .unknown } : nil }
    var axes = try node.axes(node.integers(1) ?? [], rank: shape.count)
    if axes.isEmpty {
      if try node.node.int("noop_with_empty_axes") ?? 0 != 0 { return shape }
      axes = Array(shape.indices)
    }
    return drop(axes, of: shape, keeps: keeps)
  }

  private static func argument(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    let axis = try node.axis(try node.node.int("axis") ?? 0, rank: shape.count)
    return drop([axis], of: shape, keeps: try node.node.int("keepdims") ?? 1 != 0)
  }

  private static func drop(_ axes: [Int], of shape: [Dimension], keeps: Bool) -> [Dimension] {
    shape.enumerated().compactMap { axis, size in
      axes.contains(axis) ? (keeps ? .fixed(1) : nil) : size
    }
  }
}
