import GraphIR
import Tensors

/// Softmax: `dx = y (g - sum(g y))`; LogSoftmax: `dx = g - exp(y) sum(g)`.
enum SoftmaxRules {
  static let definitions: [BackwardDefinition] = [
    define("Softmax", isLogarithm: false), define("LogSoftmax", isLogarithm: true),
  ]

  private static func define(_ name: String, isLogarithm: Bool) -> BackwardDefinition {
    BackwardDefinition(name) { node in
      let attribute = try node.int("axis") ?? -1
      return { step in
        let (y, g) = (try step.output(), try step.gradient())
        guard y.elementType == .float32 else { throw step.failure("is known in float32 only") }
        let axis = try step.inputs.axis(attribute, rank: y.rank)
        let count = y.shape[axis]
        let inner = Tensor.count(of: Array(y.shape[(axis + 1)...]))
        let outer = Tensor.count(of: Array(y.shape[..<axis]))
        return [
          y.withElements(of: Float.self) { y in
            g.withElements(of: Float.self) { g in
              Tensor(shape: step.outputs[0]?.shape ?? []) {
                (out: UnsafeMutableBufferPointer<Float>) in
                for row in 0..<outer * inner {
                  let start = row / inner * count * inner + row % inner
                  var sum: Float = 0
                  for index in 0..<count {
                    let at = start + index * inner
                    sum += isLogarithm ? g[at] : g[at] * y[at]
                  }
                  for index in 0..<count {
                    let at = start + index * inner
                    out[at] = isLogarithm ? g[at] - .exp(y[at]) * sum : y[at] * (g[at] - sum)
                  }
                }
              }
            }
          }
        ]
      }
    }
  }
}
