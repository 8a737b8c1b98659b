import Tensors

/// Operators that only move elements; they work on tensors of every type.
enum MovementValues {
  static let rules: [String: ValueRule] = [
    "Identity": { [$0.value(0)] },
    "Reshape": { [try relabelled($0)] },
    "Squeeze": { [try relabelled($0)] },
    "Unsqueeze": { [try relabelled($0)] },
    "Flatten": { [try relabelled($0)] },
    "Transpose": { [try transpose($0)] },
    "Expand": { [try expand($0)] },
    "Tile": { [try tile($0)] },
    "Slice": { [try slice($0)] },
    "Gather": { [try gather($0)] },
    "Concat": { [try concat($0)] },
    "Split": { try split($0) },
  ]

  private static func relabelled(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let shape = try node.resultShape(limit: .max) else {
      return nil
    }
    return value.reshaped(to: shape)
  }

  private static func transpose(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let shape = try node.resultShape() else { return nil }
    let order = try node.node.ints("perm") ?? value.shape.indices.reversed()
    let strides = IndexMap.strides(of: value.shape)
    return value.picking(
      IndexMap.view(shape: shape, strides: order.map { strides[$0] }), shape: shape)
  }

  private static func expand(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let shape = try grownShape(node, value) else { return nil }
    return value.picking(IndexMap.broadcast(value.shape, to: shape), shape: shape)
  }

  private static func tile(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let shape = try grownShape(node, value) else { return nil }
    let strides = IndexMap.strides(of: value.shape)
    var indices = [0]
    for (axis, size) in shape.enumerated() {
      indices = indices.flatMap { index in
        (0..<size).map { index + $0 % value.shape[axis] * strides[axis] }
      }
    }
    return value.picking(indices, shape: shape)
  }

  /// The result's shape, unless it would store many copies of the same elements.
  private static func grownShape(_ node: InferenceNode, _ value: PartialValue) throws -> [Int]? {
    let limit = min(node.scope.evaluationLimit, PartialValue.scalarLimit)
    guard value.count > 0 else { return nil }
    return try node.resultShape(limit: limit)
  }

  private static func slice(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let starts = node.integers(1), let ends = node.integers(2),
      let shape = try node.resultShape()
    else { return nil }
    let listed = node.has(3) ? node.integers(3) : Array(starts.indices)
    let steps =
      node.has(4) ? node.integers(4) : Array(repeating: 1, count: starts.count)
    guard let listed, let steps else { return nil }
    var strides = IndexMap.strides(of: value.shape)
    var offset = 0
    for (index, axis) in try node.axes(listed, rank: value.shape.count).enumerated() {
      guard
        let range = IndexingShapes.range(
          start: starts[index], end: ends[index], step: steps[index], size: value.shape[axis])
      else { return nil }
      if range.count == 0 { continue }
      offset += range.start * strides[axis]
      // One element needs no step, however large it is.
      strides[axis] = range.count == 1 ? 0 : strides[axis] * steps[index]
    }
    return value.picking(
      IndexMap.view(shape: shape, strides: strides, offset: offset), shape: shape)
  }

  private static func gather(_ node: InferenceNode) throws -> PartialValue? {
    guard let value = node.value(0), let indices = node.integers(1),
      let shape = try node.resultShape()
    else { return nil }
    let axis = try node.axis(try node.node.int("axis") ?? 0, rank: value.shape.count)
    let size = value.shape[axis]
    let inner = Tensor.count(of: Array(value.shape[(axis + 1)...]))
    let outer = Tensor.count(of: Array(value.shape[..<axis]))
    var picked: [Int] = []
    for block in 0..<outer {
      for index in indices {
        guard index >= -size, index < size else {
          throw node.mismatch("index \(index) is out of range for an axis of \(size)")
        }
        let row = block * size + (index < 0 ? index + size : index)
        for position in 0..<inner { picked.append(row * inner + position) }
      }
    }
    return value.picking(picked, shape: shape)
  }

  private static func concat(_ node: InferenceNode) throws -> PartialValue? {
    guard let shape = try node.resultShape(), let axisAttribute = try node.node.int("axis") else {
      return nil
    }
    let parts = node.inputs.indices.map { node.partialValue($0) }
    let axis = try node.axis(axisAttribute, rank: shape.count)
    let outer = Tensor.count(of: Array(shape[..<axis]))
    var lists: [[Scalar]] = []
    for part in parts {
      guard let scalars = part?.scalars else { return nil }
      lists.append(scalars)
    }
    var joined: [Scalar] = []
    for block in 0..<outer {
      for list in lists {
        let length = outer == 0 ? 0 : list.count / outer
        joined += list[(block * length)..<((block + 1) * length)]
      }
    }
    guard let type = parts.first??.type, joined.count == Tensor.count(of: shape),
      joined.contains(where: { $0 != .unknown }) || joined.isEmpty
    else { return nil }
    return PartialValue(type: type, shape: shape, scalars: joined)
  }

  private static func split(_ node: InferenceNode) throws -> [PartialValue?] {
    guard let value = node.value(0), value.count <= node.scope.evaluationLimit,
      let rule = ShapeRules.table["Split"]
    else { return [] }
    let axis = try node.axis(try node.node.int("axis") ?? 0, rank: value.shape.count)
    let strides = IndexMap.strides(of: value.shape)
    var start = 0
    return try rule(node).map { type in
      guard let shape = type.fixedShape, start + shape[axis] <= value.shape[axis] else {
        return nil
      }
      defer { start += shape[axis] }
      return value.picking(
        IndexMap.view(shape: shape, strides: strides, offset: start * strides[axis]), shape: shape)
    }
  }
}
