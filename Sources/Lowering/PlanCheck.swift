import GraphIR
import Quantization
import Tensors

/// Compares a plan and its weights with the sites of the model, before anything is rewritten.
struct PlanCheck {
  let model: Model
  let sites: QuantizationSites
  let plan: QuantizationPlan
  let weights: [String: QuantizedWeight]

  func run() throws(LoweringError) {
    try checkLayers()
    try checkActivations()
  }

  private func checkLayers() throws(LoweringError) {
    let known = Dictionary(uniqueKeysWithValues: sites.layers.map { ($0.name, $0) })
    var bits: [String: (bits: Int, layer: String)] = [:]
    for layer in plan.layers {
      guard let site = known[layer.name], site.weight == layer.weight, site.axis == layer.axis
      else { throw .unknownLayer(layer.name) }
      if let first = bits[layer.weight], first.bits != layer.weightBits {
        throw .sharedBitsDiffer(weight: layer.weight, layers: [first.layer, layer.name])
      }
      bits[layer.weight] = (layer.weightBits, layer.name)
      try checkWeight(of: layer)
    }
  }

  private func checkWeight(of layer: QuantizationPlan.Layer) throws(LoweringError) {
    guard let weight = weights[layer.weight], let float = model.graph.initializers[layer.weight]
    else { throw .weightMissing(layer: layer.name, weight: layer.weight) }
    func invalid(_ problem: String) -> LoweringError {
      .weightInvalid(layer: layer.name, weight: layer.weight, problem: problem)
    }
    guard WeightRange.supportedBits.contains(layer.weightBits), weight.bits == layer.weightBits
    else { throw invalid("has \(weight.bits) bits where the plan says \(layer.weightBits)") }
    guard weight.integers.elementType == .int8, weight.integers.shape == float.shape else {
      throw invalid("its integers have shape \(weight.integers.shape), not \(float.shape)")
    }
    let channels = float.shape[layer.axis]
    guard weight.axis == layer.axis, weight.scales.count == channels * weight.blocks else {
      throw invalid("needs scales for each channel of axis \(layer.axis)")
    }
    guard weight.blocks == layer.block.map({ float.count / channels / max($0, 1) }) ?? 1 else {
      throw invalid("has \(weight.blocks) scales a channel, the plan says otherwise")
    }
    let allowsBlocks = float.rank == 2 && layer.op != "Conv"
    guard weight.blocks == 1 || allowsBlocks else {
      throw invalid("has a scale for each block, which only products of a matrix take")
    }
    let precision = Precision(
      weightBits: weight.bits, activationBits: plan.isWeightOnly ? Precision.floatBits : 8)
    guard weight.blocks == 1 || Lowering.takesBlocks(precision) else {
      throw invalid(
        "has a scale for each block and \(weight.bits) bits, beside quantized inputs at most "
          + "\(Lowering.widestBlocks)")
    }
    guard weight.scales.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw invalid("a scale is not a positive number")
    }
    guard layer.hasGroups(of: channels) else {
      throw invalid("its channel groups are not those of \(channels) channels")
    }
    guard layer.fits(weight.integers) else {
      throw invalid("an integer lies outside \(WeightRange.of(bits: weight.bits)), or its group's")
    }
  }

  private func checkActivations() throws(LoweringError) {
    let values = Set(sites.activations.map(\.value))
    if let unknown = plan.activations.keys.filter({ !values.contains($0) }).min() {
      throw .unknownActivation(unknown)
    }
    for site in sites.activations {
      guard let parameters = plan.activations[site.value] else {
        throw .activationMissing(value: site.value)
      }
      try check(parameters, of: site)
      if let source = site.sameAs, plan.activations[source] != parameters {
        throw .activationsDiffer(value: site.value, source: source)
      }
    }
  }

  private func check(
    _ parameters: AffineParameters, of site: QuantizationSites.Activation
  ) throws(LoweringError) {
    guard [.uint8, .int8].contains(parameters.elementType),
      ActivationRange.supportedBits.contains(parameters.bits),
      parameters.range.contains(parameters.zeroPoint)
    else {
      throw .activationInvalid(
        value: site.value,
        problem: "zero point \(parameters.zeroPoint) does not fit \(parameters.bits) bits of "
          + "\(parameters.elementType)")
    }
    guard parameters.scale.isFinite, parameters.scale >= .leastNormalMagnitude else {
      throw .activationInvalid(
        value: site.value, problem: "scale \(parameters.scale) is not a positive number")
    }
    guard site.satisfies(parameters) else {
      throw .activationInvalid(
        value: site.value,
        problem: "its range leaves that of the activation function before it "
          + "(QuantizationSites.Activation.constrained)")
    }
  }
}
