import FloatRuntime
import GraphIR
import IntegerRuntime
import Lowering
import Quantization
import Tensors

/// What a network will take in memory and work, found before it is calibrated: values of scales
/// change neither the steps of the plan nor the layout of the arena.
enum PlannedFootprint {
  /// `shapes` are those of the inputs; all layers have `bits`, and `blocks` scales a channel, by weight
  /// name, one where there is no entry.
  static func of(
    _ prepared: Model, sites: QuantizationSites, shapes: [String: [Int]], bits: Int,
    blocks: [String: Int] = [:]
  ) throws -> IntegerFootprint {
    var activations: [String: AffineParameters] = [:]
    for site in sites.activations where site.sameAs == nil {
      let range = (site.lowerLimit ?? -reach)...max(site.upperLimit ?? reach, site.lowerLimit ?? 0)
      activations[site.value] = site.constrained(
        AffineParameters.covering(low: range.lowerBound, high: range.upperBound))
    }
    for site in sites.activations {
      if let other = site.sameAs { activations[site.value] = activations[other] }
    }
    var weights: [String: QuantizedWeight] = [:]
    for layer in sites.layers {
      guard weights[layer.weight] == nil, let tensor = prepared.graph.initializers[layer.weight]
      else { continue }
      weights[layer.weight] = QuantizedWeight(
        integers: Tensor(shape: tensor.shape) { (zeros: UnsafeMutableBufferPointer<Int8>) in
          zeros.update(repeating: Int8(truncatingIfNeeded: -(1 << (bits - 1)) + 1))
        },
        scales: Array(
          repeating: 1, count: tensor.shape[layer.axis] * (blocks[layer.weight] ?? 1)),
        axis: layer.axis, bits: 8, blocks: blocks[layer.weight] ?? 1)
    }
    let plan = QuantizationPlan(
      storage: .cast,
      layers: sites.layers.map {
        .init(
          name: $0.name, op: $0.op, weight: $0.weight, axis: $0.axis, weightBits: 8,
          block: weights[$0.weight].flatMap { weight in
            weight.blocks > 1 ? weight.integers.count / weight.scales.count : nil
          })
      }, activations: activations)
    return try IntegerEngine(model: Lowering.lower(prepared, plan: plan, weights: weights))
      .footprint(inputShapes: shapes)
  }

  /// Where no Clip says otherwise; inside the ranges of Relu6.
  private static let reach: Float = 2
}
