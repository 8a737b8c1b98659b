import GraphIR
import Tensors

/// Reductions to sums, means and norms.
enum ReductionRules {
  static let definitions: [BackwardDefinition] = [
    define("ReduceSum") { step, g, x, _ in try step.zip(FirstPair(), g, x) },
    define("ReduceMean") { step, g, x, _ in
      let share = Float(g.count) / Float(max(x.count, 1))
      return try step.zip(FirstPair(factor: share), g, x)
    },
    define("ReduceSumSquare") { step, g, x, _ in
      try step.zip(FirstPair(factor: 2), try step.zip(ProductPair(), g, x), x)
    },
    define("ReduceL2") { step, g, x, y in
      try step.zip(ProductPair(), try step.zip(NormSlope(), g, y), x)
    },
  ]

  private static func define(
    _ name: String,
    _ slope:
      @escaping @Sendable (
        _ step: BackwardStep, _ gradient: Tensor, _ x: Tensor, _ y: Tensor
      ) throws -> Tensor
  ) -> BackwardDefinition {
    BackwardDefinition(name) { node in
      let options = try ReductionOperators.Options(node)
      return { step in
        let x = try step.inputs.floats(0)
        let axes = try options.axes(step.inputs, rank: x.rank)
        let shape = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
        return [
          try slope(
            step, step.gradient().reshaped(to: shape), x, step.output().reshaped(to: shape)), nil,
        ]
      }
    }
  }
}

private struct FirstPair: ElementPair {
  var factor: Float = 1
  func apply(_ a: Float, _ b: Float) -> Float { factor * a }
}

private struct NormSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { y > 0 ? g / y : 0 }
}
