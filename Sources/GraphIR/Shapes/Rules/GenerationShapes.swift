import Tensors

/// Operators that make tensors out of shapes and attributes.
enum GenerationShapes {
  static let rules: [String: ShapeRule] = [
    "Shape": { node in
      guard let shape = node.shape(0) else { return [InferredType(.int64, [.unknown])] }
      return [InferredType(.int64, [.fixed(try shapeRange(node, rank: shape.count).count)])]
    },
    "Size": { _ in [InferredType(.int64, [])] },
    "Constant": { node in
      [
        InferredType(
          node.node.constantValue?.elementType,
          node.node.constantValue?.shape.map { .fixed($0) })
      ]
    },
    "ConstantOfShape": { node in
      [InferredType(node.node.constantValue?.elementType ?? .float32, filled(node, 0))]
    },
    "Range": { [InferredType($0.element(0), [try range($0)])] },
    "OneHot": { [InferredType($0.element(2), try oneHot($0))] },
    "EyeLike": {
      [
        InferredType(
          try ElementwiseShapes.elementType($0.node, "dtype") ?? $0.element(0), $0.shape(0))
      ]
    },
    "RandomNormal": { [try random($0)] },
    "RandomUniform": { [try random($0)] },
    "RandomNormalLike": { [try randomLike($0)] },
    "RandomUniformLike": { [try randomLike($0)] },
    "Multinomial": { node in
      let type = try ElementwiseShapes.elementType(node.node, "dtype") ?? .int32
      let count = try node.node.int("sample_size") ?? 1
      return [InferredType(type, [node.shape(0)?.first ?? .unknown, try node.checked(count)])]
    },
    "HannWindow": { [try window($0)] },
    "HammingWindow": { [try window($0)] },
    "BlackmanWindow": { [try window($0)] },
    "MelWeightMatrix": { node in
      let bins = node.integers(0)?.first.map { Dimension.fixed(max($0, 0)) } ?? .unknown
      let length = node.integers(1)?.first.map { Dimension.fixed(max($0, 0) / 2 + 1) }
      let type = try ElementwiseShapes.elementType(node.node, "output_datatype") ?? .float32
      return [InferredType(type, [length ?? .unknown, bins])]
    },
  ]

  /// The axes that `Shape` returns.
  static func shapeRange(_ node: InferenceNode, rank: Int) throws -> Range<Int> {
    func clamp(_ value: Int) -> Int {
      max(0, min(rank, value < 0 ? max(value, -rank) + rank : value))
    }
    let start = clamp(try node.node.int("start") ?? 0)
    let end = clamp(try node.node.int("end") ?? rank)
    return start..<max(start, end)
  }

  /// The shape that the tensor at an input spells.
  private static func filled(_ node: InferenceNode, _ index: Int) -> [Dimension]? {
    if let entries = node.value(index)?.scalars { return entries.map(\.dimension) }
    guard let rank = node.shape(index)?.first?.size, rank <= 64 else { return nil }
    return Array(repeating: .unknown, count: rank)
  }

  private static func range(_ node: InferenceNode) throws -> Dimension {
    let entries = (0..<3).map { node.value($0)?.scalars?.first ?? .unknown }
    if entries[0] == .int(0), entries[2] == .int(1) { return entries[1].dimension }
    if let start = entries[0].int, let limit = entries[1].int, let delta = entries[2].int {
      guard let count = ValueRules.rangeCount(start, limit, delta) else {
        throw node.mismatch("the range from \(start) to \(limit) by \(delta) has no size")
      }
      return try node.checked(count)
    }
    return .unknown
  }

  private static func oneHot(_ node: InferenceNode) throws -> [Dimension]? {
    guard let indices = node.shape(0) else { return nil }
    let axis = try node.axis(try node.node.int("axis") ?? -1, rank: indices.count + 1)
    let depth: Dimension =
      switch node.value(1)?.scalars?.first {
      case .float(let value): Int(exactly: value).map { .fixed($0) } ?? .unknown
      case let other?: other.dimension
      case nil: .unknown
      }
    return indices[..<axis] + [depth] + indices[axis...]
  }

  private static func random(_ node: InferenceNode) throws -> InferredType {
    let type = try ElementwiseShapes.elementType(node.node, "dtype") ?? .float32
    return InferredType(type, try node.sizes("shape")?.map { try node.checked($0) })
  }

  private static func randomLike(_ node: InferenceNode) throws -> InferredType {
    InferredType(
      try ElementwiseShapes.elementType(node.node, "dtype") ?? node.element(0), node.shape(0))
  }

  private static func window(_ node: InferenceNode) throws -> InferredType {
    InferredType(
      try ElementwiseShapes.elementType(node.node, "output_datatype") ?? .float32,
      [node.value(0)?.scalars?.first?.dimension ?? .unknown])
  }
}
