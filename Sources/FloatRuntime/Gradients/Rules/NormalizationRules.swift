import GraphIR
import Tensors

/// BatchNormalization in inference form, and LayerNormalization.
enum NormalizationRules {
  static let definitions: [BackwardDefinition] = [
    BackwardDefinition("BatchNormalization") { node in
      let epsilon = try node.float("epsilon") ?? 1e-5
      guard try node.int("training_mode") ?? 0 == 0 else {
        throw node.failure("its gradient in training mode is not known")
      }
      return { step in try batch(step, epsilon: epsilon) }
    },
    BackwardDefinition("LayerNormalization") { node in
      let epsilon = try node.float("epsilon") ?? 1e-5
      let axis = try node.int("axis") ?? -1
      return { step in try layer(step, axis: axis, epsilon: epsilon) }
    },
  ]

  private static func batch(_ step: BackwardStep, epsilon: Float) throws -> [Tensor?] {
    guard !step.isWanted(3), !step.isWanted(4) else {
      throw step.failure("with respect to mean and variance is not known")
    }
    let (x, g) = (try step.inputs.floats(0), try step.gradient())
    let parameters = try (1...4).map { try step.inputs.floats($0).elements(of: Float.self) }
    let channels = x.rank > 1 ? x.shape[1] : 1
    guard parameters.allSatisfy({ $0.count == channels }) else {
      throw step.failure("needs \(channels) values of each parameter")
    }
    let shape = x.shape.indices.map { $0 == 1 ? channels : 1 }
    let inverse = parameters[3].map { 1 / ($0 + epsilon).squareRoot() }
    func channelwise(_ values: [Float]) -> Tensor { Tensor(values, shape: shape) }
    func sum(_ tensor: Tensor) -> Tensor {
      step.summed(tensor, to: shape).reshaped(to: [channels])
    }
    let scale = zip(parameters[0], inverse).map { $0 * $1 }
    var dScale: Tensor?
    if step.isWanted(1) {
      let centered = try step.zip(DifferencePair(), x, channelwise(parameters[2]))
      let normalized = try step.zip(ProductPair(), centered, channelwise(inverse))
      dScale = sum(try step.zip(ProductPair(), g, normalized))
    }
    return [
      step.isWanted(0) ? try step.zip(ProductPair(), g, channelwise(scale)) : nil, dScale,
      step.isWanted(2) ? sum(g) : nil, nil, nil,
    ]
  }

  /// With `n` the normalized row and `s = scale g`: `dx = (s - mean(s) - n mean(s n)) / deviation`.
  private static func layer(
    _ step: BackwardStep, axis: Int, epsilon: Float
  ) throws -> [Tensor?] {
    let (x, g) = (try step.inputs.floats(0), try step.gradient())
    let scale = try step.inputs.floats(1)
    let axis = try step.inputs.axis(axis, rank: x.rank)
    let count = Tensor.count(of: Array(x.shape[axis...]))
    guard scale.count == count, step.gradients.dropFirst().allSatisfy({ $0 == nil }) else {
      throw step.failure("needs a scale for each element, and is that of the first output")
    }
    let rows = count == 0 ? 0 : x.count / count
    var dScale = [Float](repeating: 0, count: count)
    var dBias = dScale
    let weights = scale.elements(of: Float.self)
    let shape = x.shape
    let dX = x.withElements(of: Float.self) { x in
      g.withElements(of: Float.self) { g in
        Tensor(shape: shape) {
          (out: UnsafeMutableBufferPointer<Float>) in
          for row in 0..<rows {
            let base = row * count
            var (sum, squares) = (0.0, 0.0)
            for index in 0..<count { sum += Double(x[base + index]) }
            let mean = Float(sum / Double(count))
            for index in 0..<count {
              let distance = Double(x[base + index] - mean)
              squares += distance * distance
            }
            let inverse = 1 / (Float(squares / Double(count)) + epsilon).squareRoot()
            var (total, product) = (0.0, 0.0)
            for index in 0..<count {
              let normalized = (x[base + index] - mean) * inverse
              let scaled = weights[index] * g[base + index]
              total += Double(scaled)
              product += Double(scaled * normalized)
              dScale[index] += g[base + index] * normalized
              dBias[index] += g[base + index]
            }
            let (a, b) = (Float(total / Double(count)), Float(product / Double(count)))
            for index in 0..<count {
              let normalized = (x[base + index] - mean) * inverse
              out[base + index] = inverse * (weights[index] * g[base + index] - a - normalized * b)
            }
          }
        }
      }
    }
    return [dX, Tensor(dScale, shape: scale.shape), Tensor(dBias, shape: scale.shape)]
  }
}

struct DifferencePair: ElementPair {
  func apply(_ a: Float, _ b: Float) -> Float { a - b }
}
