import GraphIR
import Parallelism
import Quantization
import Tensors

@testable import Calibration
@testable import ProxySearch

/// A product of two inputs and two outputs, small enough for pencil and paper:
/// `W = [[1, -2.2], [0.4, 3]]`, inputs `(1, 2)` and `(3, 0)`, at 2 bits
/// `Q = [[1, -2], [0, 2]]`, so that `dW = [[0, 0.2], [-0.4, -1]]`.
enum TinyLayer {
  static let weights: [Float] = [1, -2.2, 0.4, 3]

  static func form(_ integers: [Int8], scales: [Float] = [1, 2]) -> QuantizedWeight {
    QuantizedWeight(
      integers: Tensor(integers, shape: [2, 2]), scales: scales, axis: 0, bits: 2)
  }

  static func facts(
    _ name: String, weights: [Float] = weights, inputs: [Float] = [1, 2, 3, 0],
    form: QuantizedWeight = form([1, -2, 0, 1])
  ) throws -> LayerFacts {
    let node = Node(op: "Gemm", inputs: ["x", "w"], outputs: ["y"])
    let layer = try ObservedLayer(name: name, node: node, weightShape: [2, 2])
    var sample = LayerInputSample(layer: layer, columnsPerSample: 8, expectedSamples: 1)
    try sample.take(
      from: Tensor(inputs, shape: [inputs.count / 2, 2]), sample: 0,
      pool: WorkerPool(threadCount: 1))
    return LayerFacts(
      name: name, op: "Gemm",
      rows: try WeightRows(Tensor(weights, shape: [2, 2]), named: "w", axis: 0), inputs: sample,
      forms: [2: form])
  }

  /// Three layers, the first of them the one above, the others with zeros and larger weights.
  static func network() throws -> NetworkFacts {
    let layers = [
      try facts("first"),
      try facts("silent", inputs: [0, 0, 0, 0]),
      try facts(
        "exact", weights: [1, -2, 0, 2], form: form([1, -2, 0, 1])),
    ]
    return NetworkFacts(
      layers: layers, costly: costly(), pool: WorkerPool(threadCount: 1))
  }

  /// What takes more than the calibration pass, made up.
  static func costly() -> CostlyFacts {
    CostlyFacts(
      feedbackForm: { _, _ in form([1, -1, 0, 1]) },
      measurements: {
        (0..<3).map {
          [
            2: .init(
              distance: Double($0) + 0.5, smoothed: 0.4, divergence: Double($0) + 0.2, noise: 0.3)
          ]
        }
      },
      trials: { [] },
      similarities: { [[1, 0.2, 0.4], [0.2, 1, 0.6], [0.4, 0.6, 1]] },
      gradients: {
        (0..<3).map { _ in
          GradientFacts(
            mean: [0.5, -1, 2, 0.25], meanSquare: [1, 2, 5, 0.5], outputMeanSquare: [3, 0.5],
            channelFisher: [4, 1])
        }
      },
      traces: { [8, 1, 2] }, eigenvalues: { [3, 1, 2] },
      virtualGradients: { (0..<3).map { _ in [1, -1, 3, 1] } },
      synapticFlows: { [7, 7, 7] },
      localTraces: { [3, 4, 5] }, prunedDistances: { [0.1, 0.2, 0.3] },
      disturbedDistances: { [1, 2, 3] })
  }
}
