import GraphIR

/// What the engine does to a model before it prepares it.
enum EngineRewrites {
  static func apply(to model: Model, observing: Set<String>) throws -> Model {
    model
  }
}
