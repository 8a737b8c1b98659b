import Tensors

/// Attention and detection operators.
enum AttentionShapes {
  static let rules: [String: ShapeRule] = [
    "Attention": { try attention($0) },
    "RotaryEmbedding": { [$0.type(0)] },
    "NonMaxSuppression": { _ in [InferredType(.int64, [.unknown, .fixed(3)])] },
  ]

  private static func attention(_ node: InferenceNode) throws -> [InferredType] {
    let element = node.element(0)
    guard let query = node.shape(0), let value = node.shape(2), query.count == value.count else {
      return [InferredType(element)]
    }
    // A fourth dimension holds the heads, else the attributes say how many there are.
    if query.count == 4 {
      return [InferredType(element, Array(query.dropLast()) + [value[3]])]
    }
    guard query.count == 3, let heads = try node.node.int("q_num_heads"),
      let stored = try node.node.int("kv_num_heads"), stored > 0
    else { return [InferredType(element)] }
    let width = value[2].size.flatMap { $0 % stored == 0 ? $0 / stored : nil }
    let last = try width.map { try node.product(.fixed($0), try node.checked(heads)) }
    return [InferredType(element, [query[0], query[1], last ?? .unknown])]
  }
}
