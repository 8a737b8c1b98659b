public import GraphIR
import Tensors

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
      let parameters = [1, 2, 4].compactMap { index in
        node.input(index).flatMap { graph.initializers[$0] }
      }
      guard parameters.count == 3, parameters.allSatisfy({ $0.elementType == .float32 }),
        Set(parameters.map(\.count)).count == 1, (try? node.int("training_mode")) ?? 0 == 0,
        let output = node.outputs.first
      else { continue }
      let epsilon = ((try? node.float("epsilon")) ?? nil) ?? 1e-5
      let (gamma, beta, variance) = (
        parameters[0].elements(of: Float.self), parameters[1].elements(of: Float.self),
        parameters[2].elements(of: Float.self)
      )
      let units = gamma.map { abs($0) }
      values[output] = Channels(
        means: beta,
        deviations: zip(units, variance).map { $0 * ($1 / ($1 + epsilon)).squareRoot() },
        units: units)
    }
    self.values = values
  }
}
