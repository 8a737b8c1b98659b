import Tensors

/// Integer reductions, as shape subgraphs use them.
enum ReductionValues {
  static let rules: [String: ValueRule] = [
    "ReduceProd": { [try reduce($0, from: .int(1), ArithmeticValues.multiply)] },
    "ReduceSum": { [try reduce($0, from: .int(0), ArithmeticValues.add)] },
    "ReduceMax": { [try reduce($0, from: nil) { extreme($0, $1, larger: true) }] },
    "ReduceMin": { [try reduce($0, from: nil) { extreme($0, $1, larger: false) }] },
  ]

  private static func extreme(_ left: Scalar, _ right: Scalar, larger: Bool) -> Scalar {
    guard let a = left.int, let b = right.int else { return .unknown }
    return .int(larger ? max(a, b) : min(a, b))
  }

  private static func reduce(
    _ node: InferenceNode, from start: Scalar?, _ body: (Scalar, Scalar) -> Scalar
  ) throws -> PartialValue? {
    guard let value = node.value(0), value.type.isInteger, let scalars = value.scalars,
      value.count <= node.scope.evaluationLimit, let shape = try node.resultShape()
    else { return nil }
    if node.has(1), node.integers(1) == nil { return nil }
    var axes = try node.axes(node.integers(1) ?? [], rank: value.shape.count)
    if axes.isEmpty {
      if try node.node.int("noop_with_empty_axes") ?? 0 != 0 { return value }
      axes = Array(value.shape.indices)
    }
    // Where each element goes: its index with the reduced axes left out.
    let kept = value.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
    let strides = IndexMap.strides(of: kept).enumerated().map {
      axes.contains($0.offset) ? 0 : $0.element
    }
    let targets = IndexMap.view(shape: value.shape, strides: strides)
    var result = [Scalar?](repeating: start, count: Tensor.count(of: kept))
    for (target, scalar) in zip(targets, scalars) {
      result[target] = result[target].map { body($0, scalar) } ?? scalar
    }
    let known = result.compactMap { $0 }
    guard known.count == result.count, known.count == Tensor.count(of: shape) else { return nil }
    return PartialValue(type: value.type, shape: shape, scalars: known)
  }
}
