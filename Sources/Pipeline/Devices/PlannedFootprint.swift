import FloatRuntime
import GraphIR
import IntegerRuntime
import Lowering
import Quantization
import Tensors

/// What a network will take in memory and work, found before it is calibrated: values of scales
/// change neither the steps of the plan nor the layout of the arena.
enum PlannedFootprint {
  /// `shapes` are those of the inputs; all layers, those of the sites, have `bits`.
  static func of(
    _ prepared: Model, sites: QuantizationSites, layers: [WeightLayer],
    shapes: [String: [Int]], bits: Int
  ) throws -> IntegerFootprint {
    var activations: [String: AffineParameters] = [:]
    for site in sites.activations where site.sameAs == nil {
      let range = (site.lowerLimit ?? -reach)...max(site.upperLimit ?? reach, site.lowerLimit ?? 0)
      activations[site.value] = site.parameters(low: range.lowerBound, high: range.upperBound)
    }
    for site in sites.activations {
      if let other = site.sameAs { activations[site.value] = activations[other] }
    }
    var weights: [String: QuantizedWeight] = [:]
    for layer in layers where !layer.repeatsWeight {
      weights[layer.site.weight] = QuantizedWeight(
        integers: Tensor(shape: layer.rows.shape) { (zeros: UnsafeMutableBufferPointer<Int8>) in
          zeros.update(repeating: Int8(truncatingIfNeeded: -(1 << (bits - 1)) + 1))
        },
        scales: Array(repeating: 1, count: layer.rows.scaleCount), axis: layer.rows.axis, bits: 8,
        blocks: layer.rows.blocks)
    }
    let plan = QuantizationPlan(
      storage: .cast, layers: layers.map { $0.planned(bits: 8) }, activations: activations)
    return try IntegerEngine(model: Lowering.lower(prepared, plan: plan, weights: weights))
      .footprint(inputShapes: shapes)
  }

  /// Where no Clip says otherwise; inside the ranges of Relu6.
  private static let reach: Float = 2
}
