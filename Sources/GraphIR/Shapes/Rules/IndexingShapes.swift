import Tensors

/// Operators that pick, place or join elements.
enum IndexingShapes {
  static let rules: [String: ShapeRule] = [
    "Concat": { [InferredType($0.element(0), try concat($0))] },
    "Split": { try split($0) },
    "Slice": { [InferredType($0.element(0), try slice($0))] },
    "Gather": { [InferredType($0.element(0), try gather($0))] },
    "GatherElements": { [InferredType($0.element(0), $0.shape(1))] },
    "GatherND": { [InferredType($0.element(0), try gatherND($0))] },
    "ScatterElements": { [$0.type(0)] },
    "ScatterND": { [$0.type(0)] },
    "TensorScatter": { [$0.type(0)] },
    "Compress": { [InferredType($0.element(0), try compress($0))] },
    "Expand": { [InferredType($0.element(0), try expand($0))] },
    "Tile": { [InferredType($0.element(0), try tile($0))] },
    "NonZero": {
      [InferredType(.int64, [$0.shape(0).map { .fixed($0.count) } ?? .unknown, .unknown])]
    },
    "Unique": { node in
      let flat = try node.node.int("axis") == nil
      let values = InferredType(
        node.element(0), flat ? [.unknown] : node.shape(0)?.map { _ in .unknown })
      let indices = InferredType(.int64, [.unknown])
      return [values, indices, indices, indices]
    },
  ]

  private static func concat(_ node: InferenceNode) throws -> [Dimension]? {
    guard let axisAttribute = try node.node.int("axis") else {
      throw GraphError.attributeMissing(node: node.node.label, attribute: "axis")
    }
    let known = node.inputs.indices.compactMap { node.shape($0) }
    guard var result = known.first else { return nil }
    let axis = try node.axis(axisAttribute, rank: result.count)
    for shape in known.dropFirst() {
      guard shape.count == result.count else {
        throw node.mismatch("inputs \(result.text) and \(shape.text) differ in rank")
      }
      for index in shape.indices {
        result[index] =
          index == axis
          ? try node.sum(result[index], shape[index])
          : try node.unify(result[index], shape[index], "dimension \(index) of the inputs")
      }
    }
    if known.count < node.inputs.count { result[axis] = .unknown }
    return result
  }

  private static func split(_ node: InferenceNode) throws -> [InferredType] {
    let count = node.node.outputs.count
    guard let shape = node.shape(0) else {
      return Array(repeating: InferredType(node.element(0)), count: count)
    }
    let axis = try node.axis(try node.node.int("axis") ?? 0, rank: shape.count)
    var sizes = Array(repeating: Dimension.unknown, count: count)
    if node.has(1) {
      if let list = node.integers(1) {
        guard list.count == count else {
          throw node.mismatch("splits into \(list.count) parts for \(count) outputs")
        }
        sizes = try list.map { try node.checked($0) }
        let total = try sizes.reduce(.fixed(0)) { try node.sum($0, $1) }
        _ = try node.unify(shape[axis], total, "the axis and the sum of its parts")
      }
    } else if let size = shape[axis].size, count > 0 {
      let part = (size + count - 1) / count
      sizes = (0..<count).map { .fixed(max(0, min(part, size - $0 * part))) }
    }
    return sizes.map { size in
      var part = shape
      part[axis] = size
      return InferredType(node.element(0), part)
    }
  }

  /// Start, step and count along one axis, as ONNX clamps them; nil for a step of zero.
  static func range(start: Int, end: Int, step: Int, size: Int) -> (start: Int, count: Int)? {
    guard step != 0 else { return nil }
    func clamp(_ index: Int, _ low: Int, _ high: Int) -> Int {
      min(max(index < 0 ? max(index, -size - 1) + size : index, low), high)
    }
    if step > 0 {
      let first = clamp(start, 0, size)
      let last = clamp(end, 0, size)
      return (first, last > first ? (last - first - 1) / step + 1 : 0)
    }
    let first = clamp(start, 0, size - 1)
    let last = clamp(end, -1, size - 1)
    // `.magnitude` because -step overflows for the smallest integer.
    return (first, first > last ? Int(UInt(first - last - 1) / step.magnitude) + 1 : 0)
  }

  private static func slice(_ node: InferenceNode) throws -> [Dimension]? {
    guard var shape = node.shape(0) else { return nil }
    let starts = node.value(1)?.scalars
    let ends = node.value(2)?.scalars
    let steps = node.has(4) ? node.value(4)?.scalars : nil
    let count = starts?.count ?? node.shape(1)?.first?.size
    var axes: [Int]?
    if node.has(3) {
      axes = node.integers(3)
    } else if let count, count <= shape.count {
      axes = Array(0..<count)
    }
    guard let axes else { return shape.map { _ in .unknown } }
    let distinct = try node.axes(axes, rank: shape.count)
    guard [starts, ends, steps].allSatisfy({ $0 == nil || $0?.count == axes.count }) else {
      throw node.mismatch("starts, ends, axes and steps differ in length")
    }
    for (index, axis) in distinct.enumerated() {
      let step = node.has(4) ? steps?[index].int : 1
      if let start = starts?[index].int, let end = ends?[index].int, let step {
        if let size = shape[axis].size {
          guard let range = range(start: start, end: end, step: step, size: size) else {
            throw node.mismatch("a step is 0")
          }
          shape[axis] = .fixed(range.count)
          continue
        }
        // From the first to far beyond the last: the size stays what it is.
        if start == 0, step == 1, end >= 1 << 31 - 1 { continue }
      } else if starts?[index] == .int(0), step == 1, let end = ends?[index],
        case .symbol = end, end.dimension == shape[axis]
      {
        continue
      }
      shape[axis] = .unknown
    }
    return shape
  }

  private static func gather(_ node: InferenceNode) throws -> [Dimension]? {
    guard let data = node.shape(0), let indices = node.shape(1) else { return nil }
    let axis = try node.axis(try node.node.int("axis") ?? 0, rank: data.count)
    return data[..<axis] + indices + data[(axis + 1)...]
  }

  private static func gatherND(_ node: InferenceNode) throws -> [Dimension]? {
    guard let data = node.shape(0), let indices = node.shape(1), let last = indices.last?.size
    else { return nil }
    let batch = try node.node.int("batch_dims") ?? 0
    guard batch >= 0, batch + last <= data.count, batch < indices.count else {
      throw node.mismatch("indices \(indices.text) do not fit data \(data.text)")
    }
    return indices.dropLast() + data[(batch + last)...]
  }

  private static func compress(_ node: InferenceNode) throws -> [Dimension]? {
    guard let axis = try node.node.int("axis") else { return [.unknown] }
    guard var shape = node.shape(0) else { return nil }
    shape[try node.axis(axis, rank: shape.count)] = .unknown
    return shape
  }

  private static func expand(_ node: InferenceNode) throws -> [Dimension]? {
    guard let target = node.value(1)?.scalars?.map(\.dimension) else {
      guard let rank = node.shape(1)?.first?.size, let own = node.shape(0)?.count else {
        return nil
      }
      return Array(repeating: .unknown, count: max(min(rank, 64), own))
    }
    return try node.broadcast([node.shape(0), target])
  }

  private static func tile(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    guard let repeats = node.value(1)?.scalars else { return shape.map { _ in .unknown } }
    guard repeats.count == shape.count else {
      throw node.mismatch("\(repeats.count) repeats for the shape \(shape.text)")
    }
    return try zip(shape, repeats).map { try node.product($0, $1.dimension) }
  }
}
