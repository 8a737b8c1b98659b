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
    /// Relative output error of every layer at every width that was tried.
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
    var prepared = try QuantizePreparation.prepare(model, path: options.model)
    let sites = try QuantizationSites.analyze(prepared)
    var layers = try WeightLayer.make(prepared, sites: sites)
    guard !layers.isEmpty else { throw QuantizeError.nothingToQuantize(path: options.model) }
    let pool = WorkerPool(threadCount: options.threads)
    if options.rounding != .nearest, options.effort != .fast {
      prepared = try RoundingStage.equalized(
        prepared, layers: layers, source: source, options: options, pool: pool)
      layers = try WeightLayer.make(prepared, sites: sites)
    }
    let (table, inputs) = try CalibrationStage.run(
      model: prepared, sites: sites, layers: layers, source: source, options: options, pool: pool,
      progress: { progress("calibrating", $0, $1) })
    let activations = ActivationRanges.parameters(
      sites: sites, table: table, method: options.range)
    let isLimited = options.flash != nil || options.averageBits != nil
    let widths = isLimited ? options.bits : options.bits.max().map { [$0] } ?? []
    let quantized = LayerQuantization(
      layers: layers, bits: widths, inputs: inputs,
      inputScale: { activations[$0.site.input]?.scale ?? 1 }, pool: pool)
    let unquantized = QuantizePreparation.unquantizedBytes(prepared, layers: layers)
    let roundingLayers = RoundingLayer.make(layers, model: prepared, floors: quantized.floors)
    let rounding =
      options.rounding == .nearest || options.effort == .fast
      ? nil
      : try RoundingStage(
        model: prepared, layers: roundingLayers, source: source, options: options, pool: pool,
        progress: progress)
    let tables =
      isLimited && widths.count > 1
      ? try rounding?.sensitivities(bits: widths) ?? [quantized.sensitivities]
      : [quantized.sensitivities]
    let sensitivities = tables[0]
    func allocate(_ sensitivities: SensitivityTable, _ widths: [Int]) throws -> BitPlan {
      try BitChoice.allocate(
        layers: layers, sensitivities: sensitivities, options: options, bits: widths,
        unquantizedBytes: unquantized)
    }
    let plans = try PlanCandidates.make(bits: widths, tables: tables, allocate: allocate)
    let choice = try rounding?.best(of: plans, bits: widths) ?? plans[0]
    let plan = QuantizationPlan(
      storage: options.storage,
      layers: layers.map {
        .init(
          name: $0.name, op: $0.site.op, weight: $0.site.weight, axis: $0.site.axis,
          weightBits: choice.bits[$0.name] ?? 8)
      }, activations: activations)
    var weights: [String: QuantizedWeight] = [:]
    let corrected: Model
    if let rounding {
      (corrected, weights) = try rounding.round(plan)
    } else {
      for layer in plan.layers {
        weights[layer.weight] = quantized.forms[layer.weight]?[layer.weightBits]
      }
      if options.rounding != .nearest {
        feedErrorsBack(
          &weights, layers: roundingLayers, inputs: inputs,
          rounding: BlockwiseRounding(
            settings: RoundingSettings(effort: options.effort), pool: pool))
      }
      corrected = try prepared.applying([
        BiasCorrection.patch(layers: layers, weights: weights, inputs: inputs)
      ])
    }
    return Result(
      model: try Lowering.lower(corrected, plan: plan, weights: weights), plan: plan,
      weights: weights, sensitivities: sensitivities,
      layers: reports(layers, plan: plan, sensitivities: sensitivities),
      calibrationSamples: table.samples, weightBytes: choice.totals[BitChoice.flash] ?? 0,
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
