import Tensors

/// Operators that arrange the same elements otherwise.
enum LayoutShapes {
  static let rules: [String: ShapeRule] = [
    "Reshape": { [InferredType($0.element(0), try reshape($0))] },
    "Squeeze": { [InferredType($0.element(0), try squeeze($0))] },
    "Unsqueeze": { [InferredType($0.element(0), try unsqueeze($0))] },
    "Flatten": { [InferredType($0.element(0), try flatten($0))] },
    "Transpose": { [InferredType($0.element(0), try transpose($0))] },
    "DepthToSpace": { [InferredType($0.element(0), try blocks($0, toSpace: true))] },
    "SpaceToDepth": { [InferredType($0.element(0), try blocks($0, toSpace: false))] },
    "ReverseSequence": { [$0.type(0)] },
  ]

  static func reshape(_ node: InferenceNode) throws -> [Dimension]? {
    guard let target = node.value(1)?.scalars else {
      // The length of the shape still tells the rank.
      return node.shape(1)?.first?.size.flatMap {
        $0 <= 64 ? Array(repeating: .unknown, count: $0) : nil
      }
    }
    let source = node.shape(0)
    let allowsZero = try node.node.int("allowzero") ?? 0 != 0
    var shape: [Dimension] = []
    var open: Int?
    for (index, entry) in target.enumerated() {
      switch entry {
      case .int(0) where !allowsZero:
        if let source {
          guard index < source.count else {
            throw node.mismatch("the shape copies dimension \(index), the data is \(source.text)")
          }
          shape.append(source[index])
        } else {
          shape.append(.unknown)
        }
      case .int(-1):
        guard open == nil else { throw node.mismatch("the shape has -1 twice") }
        open = index
        shape.append(.fixed(1))
      case .int(let size): shape.append(try node.checked(size))
      default: shape.append(entry.dimension)
      }
    }
    guard let source else {
      if let open { shape[open] = .unknown }
      return shape
    }
    let rest = Quotient(source, by: shape)
    guard let open else {
      if source.fixed != nil, shape.fixed != nil, rest.exact != 1 {
        throw node.mismatch("cannot reshape \(source.text) to \(shape.text)")
      }
      return shape
    }
    if source.fixed != nil, shape.fixed != nil, rest.exact == nil {
      throw node.mismatch(
        "cannot reshape \(source.text): \(target.count) dimensions do not divide it")
    }
    shape[open] = rest.dimension
    return shape
  }

  private static func squeeze(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    if node.has(1) {
      guard let list = node.integers(1) else { return nil }
      let axes = try node.axes(list, rank: shape.count)
      for axis in axes where (shape[axis].size ?? 1) != 1 {
        throw node.mismatch("axis \(axis) of \(shape.text) is not 1")
      }
      return shape.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    }
    guard shape.fixed != nil else { return nil }
    return shape.filter { $0 != .fixed(1) }
  }

  private static func unsqueeze(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0), let list = node.integers(1) else { return nil }
    let axes = try node.axes(list, rank: shape.count + list.count)
    var rest = shape[...]
    return (0..<(shape.count + list.count)).map {
      axes.contains($0) ? .fixed(1) : rest.removeFirst()
    }
  }

  private static func flatten(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return [.unknown, .unknown] }
    var axis = try node.node.int("axis") ?? 1
    guard axis >= -shape.count, axis <= shape.count else {
      throw node.mismatch("axis \(axis) is out of range for \(shape.text)")
    }
    if axis < 0 { axis += shape.count }
    return [
      try shape.prefix(axis).reduce(.fixed(1)) { try node.product($0, $1) },
      try shape.dropFirst(axis).reduce(.fixed(1)) { try node.product($0, $1) },
    ]
  }

  private static func transpose(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    guard let order = try node.node.ints("perm") else { return shape.reversed() }
    guard order.count == shape.count, Set(order) == Set(shape.indices) else {
      throw node.mismatch("perm \(order) is no permutation of the dimensions of \(shape.text)")
    }
    return order.map { shape[$0] }
  }

  private static func blocks(_ node: InferenceNode, toSpace: Bool) throws -> [Dimension]? {
    guard let shape = try node.shape(0, rank: 4) else { return nil }
    guard let size = try node.node.int("blocksize") else {
      throw GraphError.attributeMissing(node: node.node.label, attribute: "blocksize")
    }
    guard size > 0, size < 1 << 16 else {
      throw GraphError.attributeValue(
        node: node.node.label, attribute: "blocksize", problem: "is out of range")
    }
    func divided(_ dimension: Dimension, by divisor: Int) throws -> Dimension {
      guard let value = dimension.size else { return divisor == 1 ? dimension : .unknown }
      guard value % divisor == 0 else {
        throw node.mismatch("\(value) does not divide by \(divisor)")
      }
      return .fixed(value / divisor)
    }
    func times(_ dimension: Dimension, _ factor: Int) throws -> Dimension {
      try node.product(dimension, .fixed(factor))
    }
    let square = size * size
    return toSpace
      ? [
        shape[0], try divided(shape[1], by: square), try times(shape[2], size),
        try times(shape[3], size),
      ]
      : [
        shape[0], try times(shape[1], square), try divided(shape[2], by: size),
        try divided(shape[3], by: size),
      ]
  }
}
