import GraphIR

/// What the engine does to a model before it prepares it.
package enum EngineRewrites {
  /// `observing` names values that must stay, as graph outputs do.
  static func apply(to model: Model, observing: Set<String>) throws -> Model {
    var watched = model
    let known = Set(model.graph.outputs.map(\.name))
    let observed = model.graph.nodes.flatMap(\.outputs).filter {
      observing.contains($0) && !known.contains($0)
    }
    watched.graph.outputs += observed.map { ValueInfo(name: $0, type: nil) }
    var rewritten = try watched.applying(patches(for: model))
    rewritten.graph.outputs.removeLast(observed.count)
    return rewritten
  }

  private static func patches(for model: Model) -> [GraphPatch] {
    preparation(of: model) + [
      .fuseQuantizedLayers, .fuseBlockedProducts, .foldConstants(), .foldDequantizedConstants,
      .foldBatchNormalization,
      .fuseActivations, .fuseGelu, .fuseMaskedSoftmax, .fuseAttention, .fuseResidualNormalization,
    ]
  }

  /// What brings a model into the form that fusion looks for, whatever engine runs it.
  package static func preparation(of model: Model) -> [GraphPatch] {
    var patches: [GraphPatch] = []
    if !model.functions.isEmpty { patches.append(.inlineFunctions) }
    if model.opset < OpsetUpgrade.latest {
      patches.append(.upgradeOpset(to: OpsetUpgrade.latest))
    }
    return patches + [
      .materializeConstants, .removeIdentities, .lookUpBeforeCasting, .expandQuantizedOperators,
    ]
  }
}
