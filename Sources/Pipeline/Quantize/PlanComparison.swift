import BitAllocation
import GraphIR
import Lowering
import Quantization
import WeightRounding

/// Chooses between plans whose weights are rounded without running the network again, by running it with
/// each of them on a few samples.
struct PlanComparison {
  let study: QuantizationStudy
  let source: SampleSource

  /// Multiply-accumulates that the comparison may take.
  private static let arithmetic = 12e9
  private static let mostSamples = 4

  /// The plan that keeps the network's outputs closest to the float network's.
  func best(of plans: [BitPlan]) throws -> BitPlan {
    guard plans.count > 1 else { return plans[0] }
    let macs = study.facts.layers.reduce(0) { $0 + $1.macs } * Double(plans.count + 1)
    let affordable = min(Self.arithmetic / max(macs, 1), Double(Self.mostSamples))
    let count = max(Int(affordable), 1)
    let comparison = try OutputComparison(
      model: study.model, feeds: try source.spread(count).map { try source.feed($0) },
      pool: study.pool)
    return try plans.closest { plan in
      let decision = study.plan(plan)
      let (corrected, weights) = try study.rounded(decision)
      let student = try Lowering.simulating(
        corrected, activations: decision.activations.filter { $0.value.isNarrow })
      return try comparison.distance(weights: weights, student: student)
    }
  }
}

extension Array {
  /// The first of least distance; there is one at least.
  func closest(_ distance: (Element) throws -> Double) rethrows -> Element {
    var best = (element: self[0], distance: Double.infinity)
    for element in self {
      let distance = try distance(element)
      if distance < best.distance { best = (element, distance) }
    }
    return best.element
  }
}

extension QuantizationStudy {
  /// The weights of a plan, each rounded by itself, and the model with the biases that go with them.
  func rounded(
    _ plan: QuantizationPlan
  ) throws -> (model: Model, weights: [String: QuantizedWeight]) {
    let bits = plan.weightBits
    var weights: [String: QuantizedWeight] = [:]
    for (name, width) in bits { weights[name] = forms[name]?[width] }
    if options.rounding != .nearest {
      for (index, layer) in facts.layers.enumerated() {
        guard let width = bits[layer.rows.name] else { continue }
        weights[layer.rows.name] = try facts.feedbackForm(index, width)
      }
    }
    let corrected = try model.applying([
      BiasCorrection.patch(layers: layers, weights: weights, inputs: inputs)
    ])
    return (corrected, weights)
  }
}
