public import GraphIR

/// The mean and the spread of values over a network's training data, channel by channel: what its
/// BatchNormalization nodes still know of that.
///
/// `y = gamma (x - mean) / sqrt(variance + epsilon) + beta` has mean `beta` and standard deviation
/// `|gamma| sqrt(variance / (variance + epsilon))` where `x` had the mean and the variance of the node.
public struct TrainedStatistics: Sendable {
  struct Channels: Sendable {
    var means: [Float]
    var deviations: [Float]
    /// `|gamma|`: what distances are relative to.
    var units: [Float]
  }

  /// By the name of the node's output, which stays when it is folded into the layer before it.
  let values: [String: Channels]

  /// Of the nodes in inference form whose parameters are constants.
  public init(_ model: Model) throws {
    var values: [String: Channels] = [:]
    let graph = try model.applying([.inlineFunctions, .materializeConstants]).graph
    for node in graph.nodes where node.isOperator("BatchNormalization") {
      guard
        let parameters = try BatchNormalizationParameters(node, constants: graph.initializers),
        let output = node.outputs.first
      else { continue }
      let units = parameters.gamma.map { abs($0) }
      values[output] = Channels(
        means: parameters.beta,
        deviations: zip(units, parameters.variance).map {
          $0 * ($1 / ($1 + parameters.epsilon)).squareRoot()
        }, units: units)
    }
    self.values = values
  }
}
