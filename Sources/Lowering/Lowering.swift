public import GraphIR
public import Quantization

/// Writes a plan down as a graph of `QuantizeLinear` and `DequantizeLinear`, in the patterns that
/// ONNX Runtime runs with integer kernels.
public enum Lowering {
  /// The key under which the plan travels in the model's metadata.
  public static let metadataKey = "tapq.plan"

  /// The most bits of weights in blocks beside quantized inputs: they lie in INT4. ONNX Runtime takes
  /// wider ones for weights of an integer product and fails on their scales.
  public static let widestBlocks = 4

  /// Whether a layer of weights in blocks may have the precision.
  public static func takesBlocks(_ precision: Precision) -> Bool {
    precision.activationBits == Precision.floatBits || precision.weightBits <= widestBlocks
  }

  /// The quantized form of a float model whose batch normalizations are folded.
  ///
  /// `weights` holds the integers of every layer of the plan, by the name of the weight. A layer
  /// that the plan does not name stays float.
  public static func lower(
    _ model: Model, plan: QuantizationPlan, weights: [String: QuantizedWeight]
  ) throws -> Model {
    if plan.storage == .native, !plan.isWeightOnly {
      let twoBits = plan.layers.filter { $0.weightBits == 2 && $0.block == nil }.map(\.name)
      guard twoBits.isEmpty else { throw LoweringError.nativeTwoBits(layers: twoBits) }
    }
    let current = try model.applying(OpsetRequirement(plan: plan).patches(for: model))
    var sites = try sites(
      of: current, layerNames: Set(plan.layers.map(\.name)), activations: plan.activations)
    if plan.isWeightOnly { sites = sites.ofWeights }
    try PlanCheck(model: current, sites: sites, plan: plan, weights: weights).run()
    let fitted = try BiasQuantization(model: current, sites: sites, plan: plan, weights: weights)
    return try current.applying(
      [
        .quantizeBiases(fitted.biases),
        .quantizeWeights(fitted.weights, sites: sites, plan: plan),
        .quantizeActivations(sites, plan.activations),
        .recordPlan(plan),
      ] + (plan.isWeightOnly ? [.replaceReluBehindProducts(sites)] : []))
  }

  /// The float model as it computes with some of its activations quantized; names of weights,
  /// biases and layers stay.
  public static func simulating(
    _ model: Model, activations: [String: AffineParameters]
  ) throws -> Model {
    guard !activations.isEmpty else { return model }
    let plan = QuantizationPlan(storage: .cast, layers: [], activations: activations)
    let current = try model.applying(OpsetRequirement(plan: plan).patches(for: model))
    return try current.applying([
      .quantizeActivations(try sites(of: current, activations: activations), activations)
    ])
  }

  /// A product of two computed values is quantized where both have parameters.
  private static func sites(
    of model: Model, layerNames: Set<String>? = nil, activations: [String: AffineParameters]
  ) throws -> QuantizationSites {
    try .analyze(
      model, layerNames: layerNames,
      products: { activations[$0] != nil && activations[$1] != nil })
  }
}
