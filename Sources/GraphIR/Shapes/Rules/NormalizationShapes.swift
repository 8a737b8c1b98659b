import Tensors

/// Normalizations and the softmax family keep their input's type; losses reduce it.
enum NormalizationShapes {
  static let rules: [String: ShapeRule] = [String: ShapeRule](
    [
      "GroupNormalization", "Hardmax", "InstanceNormalization", "LogSoftmax", "LpNormalization",
      "LRN", "MeanVarianceNormalization", "Softmax",
    ], { [$0.type(0)] }
  ).adding([
    "BatchNormalization": { node in
      if let shape = node.shape(0), shape.count > 1 {
        for index in 1...4 {
          guard let parameter = try node.shape(index, rank: 1) else { continue }
          _ = try node.unify(
            shape[1], parameter[0], "channels of the data and of input \(index)")
        }
      }
      return [node.type(0), node.type(3), node.type(4)]
    },
    "LayerNormalization": { node in
      let statistics = InferredType(.float32, try statisticsShape(node))
      return [node.type(0), statistics, statistics]
    },
    "RMSNormalization": { [$0.type(0)] },
    "NegativeLogLikelihoodLoss": { node in
      [InferredType(node.element(0), try loss(node))]
    },
    "SoftmaxCrossEntropyLoss": { node in
      [InferredType(node.element(0), try loss(node)), node.type(0)]
    },
  ])

  private static func statisticsShape(_ node: InferenceNode) throws -> [Dimension]? {
    guard let shape = node.shape(0) else { return nil }
    let axis = try node.axis(try node.node.int("axis") ?? -1, rank: shape.count)
    return shape.prefix(axis) + shape.dropFirst(axis).map { _ in .fixed(1) }
  }

  private static func loss(_ node: InferenceNode) throws -> [Dimension]? {
    try node.node.string("reduction") ?? "mean" == "none" ? node.shape(1) : []
  }
}
