public import OrderedCollections
public import Tensors

/// The constants of a BatchNormalization in inference form: one of each for every channel.
public struct BatchNormalizationParameters: Sendable {
  public let gamma: [Float]
  public let beta: [Float]
  public let mean: [Float]
  public let variance: [Float]
  public let epsilon: Float

  /// Nil where a parameter is no float32 constant or the node does something else.
  public init?(
    _ node: Node, constants: OrderedDictionary<String, Tensor>
  ) throws(GraphError) {
    guard node.inputs.count == 5, try node.int("training_mode") ?? 0 == 0,
      try node.int("spatial") ?? 1 == 1, node.outputs.dropFirst().allSatisfy(\.isEmpty)
    else { return nil }
    var parameters: [[Float]] = []
    for name in node.inputs.dropFirst() {
      guard let tensor = constants[name], tensor.elementType == .float32, tensor.rank == 1 else {
        return nil
      }
      parameters.append(tensor.elements())
    }
    guard Set(parameters.map(\.count)).count == 1 else { return nil }
    (gamma, beta, mean, variance) = (parameters[0], parameters[1], parameters[2], parameters[3])
    epsilon = try node.float("epsilon") ?? 1e-5
  }
}
