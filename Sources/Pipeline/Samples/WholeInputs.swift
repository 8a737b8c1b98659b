import GraphIR
import Tensors

/// Inputs that are fed as a whole: a file holds one value, not samples.
enum WholeInputs {
  static func read(
    _ sources: [String], model: Model, preprocessing: Preprocessing
  ) throws -> [String: Tensor] {
    let targets = try model.graph.requiredInputs.map { input throws(SampleError) in
      try InputTarget(input)
    }
    if targets.isEmpty, sources.isEmpty { return [:] }
    let bindings = try SampleSourceParser(targets: targets, preprocessing: preprocessing)
      .parse(sources)
    var feed: [String: Tensor] = [:]
    var bound: [String: Int] = [:]
    for (target, reader) in bindings.readers {
      let tensor = try reader.whole()
      bound.merge(target.bindings(of: tensor.shape)) { first, _ in first }
      feed[target.name] = tensor
    }
    for (target, value) in bindings.constants {
      feed[target.name] = try ConstantFill.tensor(
        value, shape: target.shape(binding: bound), as: target)
    }
    return feed
  }
}
