public import GraphIR
public import Parallelism
public import Quantization
public import Tensors

/// Compares rounded forms of a network by the distance of their outputs from the float network's.
public struct OutputComparison {
  private let feeds: [[String: Tensor]]
  private let reference: OutputDistance
  private let pool: WorkerPool

  /// Runs the float network on the feeds.
  public init(model: Model, feeds: [[String: Tensor]], pool: WorkerPool) throws {
    self.feeds = feeds
    self.pool = pool
    reference = OutputDistance(
      reference: try NetworkFlow(model, samples: feeds, pool: pool).finish(), of: feeds)
  }

  /// With these weights and biases, by name. `student` is the network with the activations that go
  /// with them, and the biases that are not named.
  public func distance(
    weights: [String: QuantizedWeight], biases: [String: Tensor] = [:], student: Model
  ) throws -> Double {
    let flow = NetworkFlow(student, samples: feeds, pool: pool)
    flow.replace(weights: weights, biases: biases)
    return reference.distance(to: try flow.finish())
  }
}
