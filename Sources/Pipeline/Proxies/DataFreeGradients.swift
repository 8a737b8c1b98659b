import FloatRuntime
import GraphIR
import Parallelism
import Quantization
import Tensors

/// Gradients of the sum of the outputs for inputs of one, by which some proxies do without data.
struct DataFreeGradients {
  let model: Model
  let layers: [WeightLayer]
  /// A sample, for the shapes and types of the inputs.
  let sample: [String: Tensor]
  let loss: ProxyLoss
  let pool: WorkerPool

  /// By layer, in the order of the rows.
  func virtualGradients() throws -> [[Float]] {
    let gradients = try gradients(of: model, inputScale: 1)
    return try layers.map { layer in
      guard let tensor = gradients[layer.site.weight] else { return [] }
      return try WeightRows(tensor, named: layer.site.weight, axis: layer.site.axis).values
        .elements(of: Float.self)
    }
  }

  /// SynFlow. Magnitudes grow from layer to layer beyond what float32 holds: inputs, biases and seeds
  /// then begin as powers of two below one, which a network of ReLUs carries to its end.
  func synapticFlows() throws -> [Double] {
    var last: [Double] = []
    for exponent in [0, 30, 60, 90] {
      let scale = Float(sign: .plus, exponent: -exponent, significand: 1)
      let positive = magnitudes(biasScale: scale)
      let gradients = try gradients(of: positive, inputScale: scale)
      last = layers.map { layer in
        guard let gradient = gradients[layer.site.weight],
          let weight = positive.graph.initializers[layer.site.weight]
        else { return 0 }
        return zip(gradient.elements(of: Float.self), weight.elements(of: Float.self)).reduce(0) {
          $0 + abs(Double($1.0) * Double($1.1)) / Double(scale) / Double(scale)
        }
      }
      if last.allSatisfy(\.isFinite) { break }
    }
    return last
  }

  /// All parameters as magnitudes; single numbers, which bound or scale, stay.
  private func magnitudes(biasScale: Float) -> Model {
    var positive = model
    let weights = Set(layers.map(\.site.weight))
    for (name, tensor) in model.graph.initializers
    where tensor.elementType == .float32 && tensor.count > 1 {
      let scale = weights.contains(name) ? 1 : biasScale
      positive.graph.initializers[name] = Tensor(
        tensor.elements(of: Float.self).map { abs($0) * scale }, shape: tensor.shape)
    }
    return positive
  }

  private func gradients(
    of model: Model, inputScale: Float
  ) throws -> [String: Tensor] {
    let engine = try GradientEngine(
      model: model, of: Set(layers.map(\.site.weight)), from: Set(loss.sources), pool: pool)
    let run = try engine.run(sample.mapValues { Self.ones($0, scale: inputScale) })
    let seeds: [String: Tensor] = loss.sources.reduce(into: [:]) { result, name in
      if let value = run[name] {
        result[name] = Tensor(
          [Float](repeating: inputScale, count: value.count), shape: value.shape)
      }
    }
    return try engine.gradients(of: run, seeds: seeds)
  }

  private static func ones(_ tensor: Tensor, scale: Float) -> Tensor {
    switch tensor.elementType {
    case .float32:
      Tensor([Float](repeating: scale, count: tensor.count), shape: tensor.shape)
    case .int64: Tensor([Int64](repeating: 1, count: tensor.count), shape: tensor.shape)
    case .int32: Tensor([Int32](repeating: 1, count: tensor.count), shape: tensor.shape)
    default: tensor
    }
  }
}
