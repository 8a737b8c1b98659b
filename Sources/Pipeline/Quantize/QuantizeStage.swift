import BitAllocation
import Calibration
public import GraphIR
import Lowering
import Parallelism
public import Quantization

/// Float model to QDQ model, in memory: sites, one calibration pass, sensitivities, allocation,
/// integers, lowering.
public enum QuantizeStage {
  public struct Result: Sendable {
    public var model: Model
    public var plan: QuantizationPlan
    public var weights: [String: QuantizedWeight]
    /// Damage of every layer at every width that was tried.
    public var sensitivities: SensitivityTable
    /// What predicted it; nil for the relative error of each layer's own output.
    public var proxy: String?
    /// Nil where no proxy was asked for, or it needs no audit.
    public var audit: ProxyAudit?
    public var layers: [QuantizeReport.Layer]
    public var tables: [QuantizeReport.Table]
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
    var whole = study.choice
    whole.keepsLayersWhole = true
    let candidates = try PlanCandidates.make(
      study.precisions, tables: study.damages,
      ofWholeLayers: study.groups.map { _ in { try whole.allocate($0) } }
    ) {
      try study.choice.allocate($0, from: $1)
    }
    let choice =
      try rounding.map { rounding in
        try rounding.best(
          of: candidates, bits: study.precisions.weightBits,
          prediction: study.prediction
        ) {
          study.plan($0).activations
        }
      } ?? PlanComparison(study: study, source: source).best(of: candidates)
    let plan = study.plan(choice)
    let (lowered, written, weights) = try lowered(study, plan: plan)
    let rows = reports(layers, plan: plan, sensitivities: study.sensitivities)
    return Result(
      model: lowered, plan: written, weights: weights, sensitivities: study.sensitivities,
      proxy: study.proxy, audit: try ProxyAudit.make(study),
      layers: study.groups?.joined(rows) ?? rows,
      tables: study.tables.map { table in
        .init(
          name: table.plan.weight, weightBits: table.plan.bits, block: table.plan.block,
          bytes: table.byteCount)
      },
      calibrationSamples: study.sampleCount, weightBytes: choice.totals[BitChoice.flash] ?? 0,
      averageWeightBits: averageBits(layers, choice), bindingConstraint: choice.binding)
  }

  /// The quantized network of a plan, the plan as it is written, and integers by weight name.
  static func lowered(
    _ study: QuantizationStudy, plan: QuantizationPlan
  ) throws -> (model: Model, plan: QuantizationPlan, weights: [String: QuantizedWeight]) {
    var (corrected, weights) = try study.rounding?.round(plan) ?? study.rounded(plan)
    var written = plan
    if let groups = study.groups {
      (corrected, written, weights) = (
        try groups.joined(corrected), groups.joined(plan), groups.joined(weights)
      )
    }
    return (try Lowering.lower(corrected, plan: written, weights: weights), written, weights)
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
      let precision = Precision(
        weightBits: planned.weightBits,
        activationBits: plan.activations[layer.site.input]?.bits ?? 32)
      return .init(
        name: layer.name, op: layer.site.op, weightBits: precision.weightBits,
        activationBits: precision.activationBits,
        sensitivity: sensitivity.damage(at: precision) ?? 0,
        bytes: layer.bytes(bits: planned.weightBits), predictedMicroseconds: nil)
    }
  }
}
