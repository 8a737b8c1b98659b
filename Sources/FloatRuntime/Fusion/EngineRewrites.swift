import GraphIR

/// What the engine does to a model before it prepares it.
enum EngineRewrites {
  static func apply(to model: Model, observing: Set<String>) throws -> Model {
    var patches: [GraphPatch] = []
    if !model.functions.isEmpty { patches.append(.inlineFunctions) }
    if model.opset < OpsetUpgrade.latest {
      patches.append(.upgradeOpset(to: OpsetUpgrade.latest))
    }
    patches.append(.fuseActivations(observing: observing))
    return try model.applying(patches)
  }
}
