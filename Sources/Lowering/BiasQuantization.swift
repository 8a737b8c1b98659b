import GraphIR
import Quantization
import Tensors

/// Biases as int32 with scale `s_x * s_w[c]`, and weights whose scales let the biases fit.
///
/// A channel whose weights are tiny beside its bias would need a bias beyond 32 bits. Its scale is
/// raised until the bias fits, and its integers shrink to match. Beside weights in blocks, which have no
/// scale of a channel, biases stay float.
struct BiasQuantization {
  struct Bias {
    let layer: QuantizationSites.Layer
    let name: String
    let integers: Tensor
    let scales: Tensor
  }

  private(set) var weights: [String: QuantizedWeight]
  private(set) var biases: [Bias] = []

  init(
    model: Model, sites: QuantizationSites, plan: QuantizationPlan,
    weights: [String: QuantizedWeight]
  ) throws {
    let names = Set(sites.layers.map(\.weight))
    self.weights = weights.filter { names.contains($0.key) }
    let index = GraphIndex(model.graph)
    let whole = sites.layers.filter { (self.weights[$0.weight]?.blocks ?? 1) == 1 }
    for layer in whole {
      guard let input = plan.activations[layer.input],
        let bias = layer.bias.flatMap({
          index.constants[$0]
        })
      else { continue }
      raiseScales(of: layer, bias: bias.elements(of: Float.self), input: input)
    }
    for layer in whole {
      guard let input = plan.activations[layer.input], let weight = self.weights[layer.weight]
      else { continue }
      let values = layer.bias.flatMap { index.constants[$0] }
      let bias = try BiasQuantization.quantize(
        values?.elements(of: Float.self), of: layer, weight: weight, input: input)
      if let bias { biases.append(bias) }
    }
  }

  private mutating func raiseScales(
    of layer: QuantizationSites.Layer, bias: [Float], input: AffineParameters
  ) {
    guard var weight = weights[layer.weight] else { return }
    let largest = BiasScale.largestBias(bits: weight.bits)
    var factors = [Float](repeating: 1, count: weight.scales.count)
    for (channel, value) in bias.enumerated() {
      let scale = input.scale * weight.scales[channel]
      let least = max(abs(value) / largest, .leastNormalMagnitude)
      guard scale < least else { continue }
      let raised = (least / input.scale).nextUp
      factors[channel] = weight.scales[channel] / raised
      weight.scales[channel] = raised
    }
    guard factors.contains(where: { $0 != 1 }) else { return }
    weight.integers = BiasQuantization.scale(weight.integers, by: factors, axis: weight.axis)
    weights[layer.weight] = weight
  }

  private static func scale(_ integers: Tensor, by factors: [Float], axis: Int) -> Tensor {
    let inner = Tensor.count(of: Array(integers.shape[(axis + 1)...]))
    var values = integers.elements(of: Int8.self)
    for position in values.indices {
      let factor = factors[position / inner % factors.count]
      values[position] = Int8((Float(values[position]) * factor).rounded(.toNearestOrEven))
    }
    return Tensor(values, shape: integers.shape)
  }

  /// Nil where the layer has no bias. Throws where a sum of products and bias could exceed int32.
  private static func quantize(
    _ bias: [Float]?, of layer: QuantizationSites.Layer, weight: QuantizedWeight,
    input: AffineParameters
  ) throws(LoweringError) -> Bias? {
    let limits = input.elementType.integerRange ?? 0...255
    let largest = max(input.zeroPoint - limits.lowerBound, limits.upperBound - input.zeroPoint)
    let magnitudes = channelMagnitudes(of: weight)
    var integers: [Int32] = []
    var scales: [Float] = []
    for channel in magnitudes.indices {
      let scale = input.scale * weight.scales[channel]
      let value = bias.map { ($0[channel] / scale).rounded(.toNearestOrEven) } ?? 0
      guard abs(value) <= 2 * BiasScale.largestBias(bits: 8),
        magnitudes[channel] * largest + Int(abs(value)) <= Int(Int32.max)
      else { throw .accumulatorOverflow(layer: layer.name, channel: channel) }
      integers.append(Int32(value))
      scales.append(scale)
    }
    guard bias != nil, let name = layer.bias else { return nil }
    return Bias(
      layer: layer, name: name, integers: Tensor(integers, shape: [integers.count]),
      scales: Tensor(scales, shape: [scales.count]))
  }

  /// For each output channel the sum of the integers' magnitudes.
  private static func channelMagnitudes(of weight: QuantizedWeight) -> [Int] {
    let inner = Tensor.count(of: Array(weight.integers.shape[(weight.axis + 1)...]))
    var sums = [Int](repeating: 0, count: weight.scales.count)
    weight.integers.withElements(of: Int8.self) { values in
      for block in 0..<(values.count / max(inner, 1)) {
        var sum = 0
        for value in values[(block * inner)..<((block + 1) * inner)] { sum += Int(value.magnitude) }
        sums[block % sums.count] += sum
      }
    }
    return sums
  }
}
