import BitAllocation
import Calibration
public import GraphIR
import Lowering
import Parallelism
public import Quantization
import WeightRounding

/// Float model to QDQ model, in memory: sites, one calibration pass, sensitivities, allocation,
/// integers, lowering.
public enum QuantizeStage {
  public struct Result: Sendable {
    public var model: Model
    public var plan: QuantizationPlan
    public var weights: [String: QuantizedWeight]
    /// Damage of every layer at every width that was tried.
    public var sensitivities: SensitivityTable
    public var layers: [QuantizeReport.Layer]
    public var calibrationSamples: Int
    public var weightBytes: Int
    public var averageWeightBits: Double
    public var bindingConstraint: String?
  }

  /// `progress` hears of what is being done, the steps done and their number.
  public static func run(
    _ model: Model, source: SampleSource, options: QuantizeOptions,
    progress: @escaping (String, Int, Int) -> Void = { _, _, _ in }
  ) throws -> Result {
    let study = try QuantizationStudy(model, source: source, options: options, progress: progress)
    let (layers, rounding) = (study.layers, study.rounding)
    let choice =
      try rounding.map { rounding in
        try rounding.best(
          of: PlanCandidates.make(bits: study.widths, tables: study.tables) {
            try study.choice.allocate($0, widths: $1)
          }, bits: study.widths)
      } ?? study.choice.allocate(study.sensitivities)
    let plan = study.plan(choice)
    var weights: [String: QuantizedWeight] = [:]
    let corrected: Model
    if let rounding {
      (corrected, weights) = try rounding.round(plan)
    } else {
      for layer in plan.layers {
        weights[layer.weight] = study.forms[layer.weight]?[layer.weightBits]
      }
      if options.rounding != .nearest {
        feedErrorsBack(
          &weights, layers: study.roundingLayers, inputs: study.inputs,
          rounding: BlockwiseRounding(
            settings: RoundingSettings(effort: options.effort), pool: study.pool))
      }
      corrected = try study.model.applying([
        BiasCorrection.patch(layers: layers, weights: weights, inputs: study.inputs)
      ])
    }
    return Result(
      model: try Lowering.lower(corrected, plan: plan, weights: weights), plan: plan,
      weights: weights, sensitivities: study.sensitivities,
      layers: reports(layers, plan: plan, sensitivities: study.sensitivities),
      calibrationSamples: study.sampleCount, weightBytes: choice.totals[BitChoice.flash] ?? 0,
      averageWeightBits: averageBits(layers, choice), bindingConstraint: choice.binding)
  }

  /// Rounds anew with error feedback where that pays: below 7 bits.
  private static func feedErrorsBack(
    _ weights: inout [String: QuantizedWeight], layers: [RoundingLayer],
    inputs: [String: LayerInputSample], rounding: BlockwiseRounding
  ) {
    for layer in layers {
      guard let weight = weights[layer.weight], weight.bits < 7, let sample = inputs[layer.name],
        sample.length == layer.rows.length * layer.observed.group
      else { continue }
      weights[layer.weight] = rounding.quantize(
        layer, scales: weight.scales, bits: weight.bits, inputs: sample)
    }
  }

  private static func averageBits(_ layers: [WeightLayer], _ choice: BitPlan) -> Double {
    let weights = layers.reduce(0) { $0 + BitChoice.weightCount($1) }
    return Double(choice.totals[BitChoice.averageBits] ?? 0) / Double(max(weights, 1))
  }

  private static func reports(
    _ layers: [WeightLayer], plan: QuantizationPlan, sensitivities: SensitivityTable
  ) -> [QuantizeReport.Layer] {
    zip(layers, zip(plan.layers, sensitivities.layers)).map { layer, decision in
      let (planned, sensitivity) = decision
      return .init(
        name: layer.name, op: layer.site.op, weightBits: planned.weightBits,
        activationBits: plan.activations[layer.site.input]?.elementType.bitWidth ?? 32,
        sensitivity: sensitivity.damage[planned.weightBits] ?? 0,
        bytes: layer.bytes(bits: planned.weightBits), predictedMicroseconds: nil)
    }
  }
}
