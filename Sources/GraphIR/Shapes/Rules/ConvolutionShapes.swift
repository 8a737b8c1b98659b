import Tensors

/// Convolutions, their integer forms and their transpose.
enum ConvolutionShapes {
  static let rules: [String: ShapeRule] = [
    "Conv": { [try convolution($0, weight: 1, element: $0.element(0))] },
    "ConvInteger": { [try convolution($0, weight: 1, element: .int32)] },
    "QLinearConv": { [try convolution($0, weight: 3, element: $0.element(7))] },
    "DeformConv": { [try convolution($0, weight: 1, element: $0.element(0))] },
    "ConvTranspose": { [try transposed($0)] },
  ]

  private static func convolution(
    _ node: InferenceNode, weight: Int, element: ElementType?
  ) throws -> InferredType {
    guard let weights = node.shape(weight) else { return InferredType(element) }
    guard weights.count >= 3 else {
      throw node.mismatch("the weight must have 3 or more dimensions, has \(weights.text)")
    }
    guard let data = try node.shape(0, rank: weights.count) else {
      return InferredType(element)
    }
    try checkGroups(node, channels: data[1], weights: weights)
    let window = try Window(
      node, rank: data.count - 2, kernel: Array(weights.dropFirst(2)), readsDilations: true)
    let spatial = try data.dropFirst(2).enumerated().map { axis, size in
      try window.output(axis, size, node)
    }
    return InferredType(element, [data[0], weights[0]] + spatial)
  }

  private static func checkGroups(
    _ node: InferenceNode, channels: Dimension, weights: [Dimension]
  ) throws {
    let groups = try node.node.int("group") ?? 1
    guard groups > 0 else {
      throw GraphError.attributeValue(
        node: node.node.label, attribute: "group", problem: "must be positive")
    }
    if let channels = channels.size, let perGroup = weights[1].size {
      guard channels % groups == 0, channels / groups == perGroup else {
        throw node.mismatch(
          "the weight \(weights.text) with \(groups) groups does not fit \(channels) channels")
      }
    }
    if let outputs = weights[0].size, outputs % groups != 0 {
      throw node.mismatch("\(outputs) output channels do not divide into \(groups) groups")
    }
  }

  private static func transposed(_ node: InferenceNode) throws -> InferredType {
    let element = node.element(0)
    guard let weights = node.shape(1) else { return InferredType(element) }
    guard weights.count >= 3 else {
      throw node.mismatch("the weight must have 3 or more dimensions, has \(weights.text)")
    }
    guard let data = try node.shape(0, rank: weights.count) else {
      return InferredType(element)
    }
    _ = try node.unify(data[1], weights[0], "channels of the data and of the weight")
    let groups = try node.node.int("group") ?? 1
    let channels = try node.product(weights[1], .fixed(max(groups, 1)))
    let rank = data.count - 2
    let window = try Window(
      node, rank: rank, kernel: Array(weights.dropFirst(2)), readsDilations: true)
    let extra = try node.sizes("output_padding") ?? Array(repeating: 0, count: rank)
    let given = try node.sizes("output_shape")
    guard extra.count == rank, given.map({ $0.count >= rank }) ?? true else {
      throw node.mismatch("attribute lists do not fit \(rank) spatial dimensions")
    }
    let spatial = try (0..<rank).map { axis -> Dimension in
      if let given { return try node.checked(given[given.count - rank + axis]) }
      guard let size = data[axis + 2].size, let kernel = window.effectiveKernel(axis) else {
        return .unknown
      }
      let stride = window.strides[axis]
      guard case .fixed(let stretched) = try node.product(.fixed(max(size - 1, 0)), .fixed(stride))
      else { return .unknown }
      switch window.padding {
      case .same: return try node.product(.fixed(size), .fixed(stride))
      case .valid: return try node.checked(stretched + extra[axis] + kernel)
      case .explicit(let pads):
        return try node.checked(
          stretched + extra[axis] + kernel - pads[axis] - pads[axis + rank])
      }
    }
    return InferredType(element, [data[0], channels] + spatial)
  }
}
