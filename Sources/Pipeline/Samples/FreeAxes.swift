import GraphIR

/// Gives sizes to the axes that a model leaves free.
enum FreeAxes {
  /// Every required input with its shape: that of `shapes` where it has one; other free axes take
  /// the size that their name has there, or 1. Throws where a shape fits no input.
  static func bind(
    of model: Model, to shapes: [String: [Int]]
  ) throws -> [(input: InputTarget, shape: [Int])] {
    let targets = try model.graph.requiredInputs.map { input throws(SampleError) in
      try InputTarget(input)
    }
    for name in shapes.keys.sorted() where !targets.contains(where: { $0.name == name }) {
      throw SampleError.inputUnknown(
        source: "--shape", input: name, inputs: targets.map(\.name))
    }
    var bound: [String: Int] = [:]
    for target in targets {
      guard let shape = shapes[target.name] else { continue }
      guard target.fits(shape) else {
        throw SampleError.shape(
          source: "--shape \(target.name)", found: shape, input: target.name,
          expected: target.shapeDescription)
      }
      bound.merge(target.bindings(of: shape)) { first, _ in first }
    }
    return targets.map { ($0, shapes[$0.name] ?? $0.shape(binding: bound)) }
  }
}
