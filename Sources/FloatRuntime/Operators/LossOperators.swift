import GraphIR
import Tensors

/// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
enum LossOperators {
  static let definitions: [OperatorDefinition] = [
    .tensors("NegativeLogLikelihoodLoss") { node in
      let options = try Options(node)
      return { inputs, _ in
        let x = try inputs.tensor(0)
        return [try loss(inputs.widenedFloat(x), options, inputs).narrowed(to: x.elementType)]
      }
    },
    .tensors("SoftmaxCrossEntropyLoss") { node in
      let options = try Options(node)
      return { inputs, context in
        let x = try inputs.tensor(0)
        guard x.rank >= 2 else { throw inputs.failure("scores \(x.shape) have no classes") }
        let logarithms = try Rows.map(
          SoftmaxOperators.LogSoftmax(), inputs.widenedFloat(x), axes: [1], inputs,
          pool: context.pool)
        return [
          try loss(logarithms, options, inputs).narrowed(to: x.elementType),
          logarithms.narrowed(to: x.elementType),
        ]
      }
    },
  ]

  private enum Averaging: String, CaseIterable { case none, sum, mean }

  private struct Options: Sendable {
    let averaging: Averaging
    let ignored: Int?

    init(_ node: Node) throws {
      averaging = try node.choice("reduction", default: Averaging.mean)
      ignored = try node.int("ignore_index")
    }
  }

  /// `x`: log probabilities [N, C, ...] in a compute type; input 1: classes [N, ...]; input 2:
  /// weights [C].
  private static func loss(
    _ x: Tensor, _ options: Options, _ inputs: OperatorInputs
  ) throws -> Tensor {
    x.elementType == .float64
      ? try loss(x, of: Double.self, options, inputs) : try loss(x, of: Float.self, options, inputs)
  }

  private static func loss<T: FloatElement>(
    _ x: Tensor, of: T.Type, _ options: Options, _ inputs: OperatorInputs
  ) throws -> Tensor {
    let target = try inputs.tensor(1)
    guard x.rank >= 2, target.shape == [x.shape[0]] + x.shape[2...] else {
      throw inputs.failure("target \(target.shape) does not fit input \(x.shape)")
    }
    let (classes, plane) = (x.shape[1], Tensor.count(of: Array(x.shape[2...])))
    var weights: [T]?
    if let given = try inputs.optionalTensor(2) {
      guard given.shape == [classes] else {
        throw inputs.failure("weights \(given.shape) do not fit \(classes) classes")
      }
      weights = try inputs.converted(given, to: T.elementType).elements(of: T.self)
    }
    let labels = try inputs.integers(1) ?? []
    var (total, weight) = (T.zero, T.zero)
    var losses = Array(repeating: T.zero, count: labels.count)
    try x.withElements(of: T.self) { source in
      for (index, label) in labels.enumerated() where label != options.ignored {
        guard label >= 0, label < classes else {
          throw inputs.failure("label \(label) is not one of \(classes) classes")
        }
        let factor = weights?[label] ?? 1
        let (sample, pixel) = (index / plane, index % plane)
        losses[index] = -factor * source[(sample * classes + label) * plane + pixel]
        total += losses[index]
        weight += factor
      }
    }
    return switch options.averaging {
    case .none: Tensor(losses, shape: target.shape)
    case .sum: Tensor(scalar: total)
    case .mean: Tensor(scalar: total / weight)
    }
  }
}
