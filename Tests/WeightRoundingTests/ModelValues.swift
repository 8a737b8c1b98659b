import FloatRuntime
import GraphIR
import Tensors

extension Model {
  /// A value's elements for each of the samples.
  func elements(of name: String, on samples: [[String: Tensor]]) throws -> [[Float]] {
    var probed = self
    probed.graph.outputs = [ValueInfo(name: name, type: nil)]
    let engine = try FloatEngine(model: probed)
    return try samples.map { sample in
      guard case .tensor(let tensor)? = try engine.run(sample.mapValues { .tensor($0) })[name]
      else { return [] }
      return tensor.elements(of: Float.self)
    }
  }
}
