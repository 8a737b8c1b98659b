import OrderedCollections
import Tensors

/// What inference-mode batch normalization does to channel c: `y = x * scale[c] + shift[c]`.
struct BatchNormalizationAffine {
  let scale: [Double]
  let shift: [Double]

  /// Nil where there are no parameters, or a variance is not positive.
  init?(_ node: Node, constants: OrderedDictionary<String, Tensor>) throws(GraphError) {
    guard let parameters = try BatchNormalizationParameters(node, constants: constants) else {
      return nil
    }
    var scale: [Double] = []
    var shift: [Double] = []
    for channel in parameters.gamma.indices {
      let variance = Double(parameters.variance[channel]) + Double(parameters.epsilon)
      guard variance > 0 else { return nil }
      let factor = Double(parameters.gamma[channel]) / variance.squareRoot()
      scale.append(factor)
      shift.append(
        Double(parameters.beta[channel]) - Double(parameters.mean[channel]) * factor)
    }
    self.scale = scale
    self.shift = shift
  }
}

/// A Conv, ConvTranspose or Gemm with constant weight whose output channels can be scaled.
struct FoldableLayer {
  let weightName: String
  let biasName: String?
  let outputName: String
  private let weight: Tensor
  private let bias: [Float]?
  private let channels: Int
  /// The weight is a row of blocks of `period` channels of `inner` elements each. Successive
  /// `blocksPerGroup` blocks hold the same channels: one for each input of the group.
  private let period: Int
  private let inner: Int
  private let blocksPerGroup: Int

  init?(_ node: Node, constants: OrderedDictionary<String, Tensor>) throws(GraphError) {
    guard node.domain.isEmpty, let weightName = node.input(1), let weight = constants[weightName],
      weight.elementType == .float32, weight.count > 0, node.outputs.count == 1
    else { return nil }
    let shape = weight.shape
    let groups = try node.int("group") ?? 1
    switch node.op {
    case "Conv":
      guard shape.count >= 3 else { return nil }
      channels = shape[0]
      period = channels
      inner = weight.count / channels
      blocksPerGroup = 1
    case "ConvTranspose":
      guard shape.count >= 3, groups > 0, shape[0] % groups == 0 else { return nil }
      channels = shape[1] * groups
      period = shape[1]
      inner = weight.count / (shape[0] * shape[1])
      blocksPerGroup = shape[0] / groups
    case "Gemm":
      guard shape.count == 2, try node.float("beta") ?? 1 == 1 else { return nil }
      let isTransposed = try node.int("transB") ?? 0 != 0
      channels = shape[isTransposed ? 0 : 1]
      period = channels
      inner = isTransposed ? shape[1] : 1
      // Without transposition every row holds all channels.
      blocksPerGroup = isTransposed ? 1 : shape[0]
    default: return nil
    }
    biasName = node.input(2)
    if let biasName {
      guard let tensor = constants[biasName], tensor.elementType == .float32 else { return nil }
      let values: [Float] = tensor.elements()
      if values.count == channels, tensor.shape.last == channels {
        bias = values
      } else if values.count == 1, node.op == "Gemm" {
        bias = Array(repeating: values[0], count: channels)
      } else {
        return nil
      }
    } else {
      bias = nil
    }
    self.weightName = weightName
    self.weight = weight
    outputName = node.outputs[0]
  }

  /// Name for a bias that the layer did not have.
  var biasHint: String {
    if let biasName { return biasName }
    return weightName.hasSuffix("weight")
      ? weightName.dropLast("weight".count) + "bias" : weightName + "_bias"
  }

  /// Weight and bias with every output channel scaled and shifted; nil where channels differ.
  func scaled(by affine: BatchNormalizationAffine) -> (weight: Tensor, bias: Tensor)? {
    guard affine.scale.count == channels else { return nil }
    let scaled: Tensor = weight.withElements(of: Float.self) { source in
      Tensor(shape: weight.shape) { fill($0, from: source, scales: affine.scale) }
    }
    var biases: [Float] = []
    for channel in 0..<channels {
      let old = bias.map { Double($0[channel]) } ?? 0
      biases.append(Float(old * affine.scale[channel] + affine.shift[channel]))
    }
    return (scaled, Tensor(biases, shape: [channels]))
  }

  private func fill(
    _ target: UnsafeMutableBufferPointer<Float>, from source: UnsafeBufferPointer<Float>,
    scales: [Double]
  ) {
    var index = 0
    var block = 0
    while index < source.count {
      // A Conv's only block holds all channels; a ConvTranspose's those of its group.
      let first = block / blocksPerGroup * period % channels
      for channel in first..<(first + period) {
        let scale = scales[channel]
        for _ in 0..<inner {
          target[index] = Float(Double(source[index]) * scale)
          index += 1
        }
      }
      block += 1
    }
  }
}
