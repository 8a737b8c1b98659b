import Tensors

/// LSTM, GRU and RNN.
enum RecurrentShapes {
  static let rules: [String: ShapeRule] = .init(["LSTM", "GRU", "RNN"]) { try recurrent($0) }

  private static func recurrent(_ node: InferenceNode) throws -> [InferredType] {
    let directions: Dimension =
      try node.node.string("direction") == "bidirectional" ? .fixed(2) : .fixed(1)
    var hidden: Dimension = .unknown
    if let size = try node.node.int("hidden_size") {
      hidden = try node.checked(size)
    } else if let recurrence = try node.shape(2, rank: 3) {
      hidden = recurrence[2]
    }
    let batchFirst = try node.node.int("layout") ?? 0 != 0
    let data = try node.shape(0, rank: 3)
    let steps = data?[batchFirst ? 1 : 0] ?? .unknown
    let batch = data?[batchFirst ? 0 : 1] ?? .unknown
    let element = node.element(0)
    let state = InferredType(
      element, batchFirst ? [batch, directions, hidden] : [directions, batch, hidden])
    let sequence = InferredType(
      element,
      batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden])
    return [sequence, state, state]
  }
}
