import Tensors

/// Pooling and what samples regions of feature maps.
enum PoolingShapes {
  static let rules: [String: ShapeRule] = [
    "MaxPool": { node in
      let pooled = try pool(node)
      return [pooled, InferredType(.int64, pooled.shape)]
    },
    "AveragePool": { [try pool($0)] },
    "LpPool": { [try pool($0)] },
    "GlobalAveragePool": { [try global($0)] },
    "GlobalMaxPool": { [try global($0)] },
    "GlobalLpPool": { [try global($0)] },
    "MaxUnpool": { [try unpool($0)] },
    "MaxRoiPool": { node in
      guard let data = try node.shape(0, rank: 4), let size = try node.sizes("pooled_shape"),
        size.count == 2
      else { return [InferredType(node.element(0))] }
      let regions = node.shape(1)?.first ?? .unknown
      return [InferredType(node.element(0), [regions, data[1]] + size.map { .fixed($0) })]
    },
    "RoiAlign": { node in
      let channels = try node.shape(0, rank: 4)?[1] ?? .unknown
      let size = [
        try node.node.int("output_height") ?? 1, try node.node.int("output_width") ?? 1,
      ]
      return [
        InferredType(
          node.element(0),
          [node.shape(1)?.first ?? .unknown, channels] + (try size.map { try node.checked($0) }))
      ]
    },
  ]

  private static func spatial(_ node: InferenceNode) throws -> [Dimension]? {
    guard let data = node.shape(0) else { return nil }
    guard data.count >= 2 else {
      throw node.mismatch("the data must have 2 or more dimensions, has \(data.text)")
    }
    return data
  }

  private static func pool(_ node: InferenceNode) throws -> InferredType {
    guard let data = try spatial(node) else { return InferredType(node.element(0)) }
    let window = try Window(node, rank: data.count - 2, kernel: nil, readsDilations: true)
    let sizes = try data.dropFirst(2).enumerated().map { try window.output($0, $1, node) }
    return InferredType(node.element(0), data.prefix(2) + sizes)
  }

  private static func global(_ node: InferenceNode) throws -> InferredType {
    guard let data = try spatial(node) else { return InferredType(node.element(0)) }
    return InferredType(
      node.element(0), data.prefix(2) + data.dropFirst(2).map { _ in .fixed(1) })
  }

  private static func unpool(_ node: InferenceNode) throws -> InferredType {
    guard let data = try spatial(node) else { return InferredType(node.element(0)) }
    if node.has(2) {
      let sizes = node.value(2)?.scalars?.map(\.dimension)
      return InferredType(node.element(0), sizes ?? data.map { _ in .unknown })
    }
    let rank = data.count - 2
    let window = try Window(node, rank: rank, kernel: nil, readsDilations: false)
    let sizes = try (0..<rank).map { axis -> Dimension in
      guard let size = data[axis + 2].size, let kernel = window.effectiveKernel(axis),
        case .explicit(let pads) = window.padding,
        case .fixed(let stretched) = try node.product(
          .fixed(max(size - 1, 0)), .fixed(window.strides[axis]))
      else { return .unknown }
      return try node.checked(stretched + kernel - pads[axis] - pads[axis + rank])
    }
    return InferredType(node.element(0), data.prefix(2) + sizes)
  }
}
