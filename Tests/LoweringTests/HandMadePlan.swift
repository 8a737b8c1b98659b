import GraphIR
import Quantization
import Tensors

@testable import Lowering

/// A plan without calibration: every activation gets the same range, every weight the scale of its
/// channel's largest magnitude.
struct HandMadePlan {
  var plan: QuantizationPlan
  var weights: [String: QuantizedWeight] = [:]

  init(
    _ model: Model, bits: [Int] = [8], storage: QuantizationPlan.Storage = .cast,
    range: ClosedRange<Float> = -4...4
  ) throws {
    let sites = try QuantizationSites.analyze(model)
    plan = QuantizationPlan(storage: storage, layers: [], activations: [:])
    var widths: [String: Int] = [:]
    for layer in sites.layers {
      let width = widths[layer.weight] ?? bits[widths.count % bits.count]
      widths[layer.weight] = width
      plan.layers.append(
        .init(
          name: layer.name, op: layer.op, weight: layer.weight, axis: layer.axis,
          weightBits: width))
      weights[layer.weight] = HandMadePlan.quantize(
        model.graph.initializers[layer.weight] ?? Tensor([Float](), shape: [0]),
        axis: layer.axis, bits: width)
    }
    for site in sites.activations {
      let wide = AffineParameters.covering(low: range.lowerBound, high: range.upperBound)
      plan.activations[site.value] =
        site.sameAs.flatMap { plan.activations[$0] } ?? site.constrained(wide)
    }
  }

  static func quantize(_ weight: Tensor, axis: Int, bits: Int) -> QuantizedWeight {
    let values = weight.elements(of: Float.self)
    let inner = Tensor.count(of: Array(weight.shape[(axis + 1)...]))
    let channels = weight.shape[axis]
    let range = WeightRange.of(bits: bits)
    var largest = [Float](repeating: 1e-6, count: channels)
    for (position, value) in values.enumerated() {
      let channel = position / inner % channels
      largest[channel] = max(largest[channel], abs(value))
    }
    let scales = largest.map { $0 / Float(max(range.upperBound, 1)) }
    let integers = values.enumerated().map { position, value -> Int8 in
      let quotient = (value / scales[position / inner % channels]).rounded(.toNearestOrEven)
      return Int8(min(max(Int(quotient), range.lowerBound), range.upperBound))
    }
    return QuantizedWeight(
      integers: Tensor(integers, shape: weight.shape), scales: scales, axis: axis, bits: bits)
  }
}
