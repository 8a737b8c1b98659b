import GraphIR
import Quantization

/// The operator set and file version that a plan's element types need.
struct OpsetRequirement {
  let opset: Int

  init(plan: QuantizationPlan) {
    let widths = plan.layers.map(\.weightBits) + plan.tables.map(\.bits)
    let types = Set(widths.map(WeightEncoding.elementType))
    let hasBlocks = plan.layers.contains { $0.block != nil }
    // DequantizeLinear has scales along an axis since 13, INT4 and blocks since 21, INT2 since 25.
    opset = types.contains(.int2) ? 25 : types.contains(.int4) || hasBlocks ? 21 : 13
  }

  func patches(for model: Model) -> [GraphPatch] {
    let target = max(opset, model.opset)
    var patches: [GraphPatch] = []
    if model.opset < target { patches.append(.upgradeOpset(to: target)) }
    return patches + [.raiseFileVersion(for: opset), .makeDefaultsConstant]
  }
}

extension GraphPatch {
  /// The IR version that came with the opset's ONNX release.
  static func raiseFileVersion(for opset: Int) -> GraphPatch {
    GraphPatch("raise the file version") { model in
      let needed = opset >= 25 ? 13 : opset >= 21 ? 10 : 7
      model.irVersion = max(model.irVersion, needed)
    }
  }

  /// Initializers that are listed as inputs could be overridden, so that no runtime folds them.
  static var makeDefaultsConstant: GraphPatch {
    GraphPatch("make default values of inputs constant") { model in
      let initializers = model.graph.initializers
      model.graph.inputs.removeAll { initializers[$0.name] != nil }
    }
  }
}
