import GraphIR
import Tensors

/// Pooling under a window, and over whole planes.
enum PoolingRules {
  static let definitions: [BackwardDefinition] = [
    BackwardDefinition("GlobalAveragePool") { _ in
      { step in
        let (x, g) = (try step.inputs.floats(0), try step.gradient())
        let area = x.shape.dropFirst(2).reduce(1, *)
        return [
          try step.zip(RepeatedShare(count: Float(max(area, 1))), g, Tensor.zeros(x.shape))
        ]
      }
    },
    BackwardDefinition("AveragePool") { node in
      let window = try WindowAttributes(node)
      let pool = try AveragePool(node)
      return { step in
        let x = try step.inputs.floats(0)
        let geometry = try window.geometry(input: Array(x.shape.dropFirst(2)))
        let divisors = pool.divisors(geometry)
        let shares = try step.zip(
          SharePair(), step.gradient(), Tensor(divisors, shape: geometry.output))
        let ones = [Float](repeating: 1, count: geometry.taps)
        return [
          planes(step, x, shares, geometry) { lines, _, _, share, target in
            lines.scatter(share, weights: ones, into: target)
          }
        ]
      }
    },
    BackwardDefinition("MaxPool") { node in
      let window = try WindowAttributes(node)
      return { step in
        let x = try step.inputs.floats(0)
        let geometry = try window.geometry(input: Array(x.shape.dropFirst(2)))
        return [
          planes(step, x, try step.gradient(), geometry) { lines, x, y, g, target in
            // The first tap that holds the maximum gets all of it.
            var taken = [Bool](repeating: false, count: geometry.outputCount)
            for line in lines.lines {
              for index in 0..<line.count {
                let (from, to) = (line.input + index * lines.step, line.output + index)
                if !taken[to], x[from] == y[to] {
                  taken[to] = true
                  target[from] += g[to]
                }
              }
            }
          }
        ]
      }
    },
  ]

  private static func planes(
    _ step: BackwardStep, _ x: Tensor, _ gradient: Tensor, _ geometry: WindowGeometry,
    _ body:
      @Sendable (
        WindowLines, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
        _ gradient: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>
      ) -> Void
  ) -> Tensor {
    let result = Tensor.zeros(x.shape)
    guard let y = step.outputs[0], x.count > 0, gradient.count > 0 else { return result }
    let lines = WindowLines(geometry)
    x.withElements(of: Float.self) { x in
      y.withElements(of: Float.self) { y in
        gradient.withElements(of: Float.self) { g in
          guard let x = x.baseAddress, let y = y.baseAddress, let g = g.baseAddress,
            let target = result.writable
          else { return }
          nonisolated(unsafe) let (inputs, outputs, gradients, sums) = (x, y, g, target)
          step.pool.forEach(result.count / geometry.inputCount) { plane in
            let (from, to) = (plane * geometry.outputCount, plane * geometry.inputCount)
            body(lines, inputs + to, outputs + from, gradients + from, sums + to)
          }
        }
      }
    }
    return result
  }
}

private struct RepeatedShare: ElementPair {
  let count: Float
  func apply(_ g: Float, _ zero: Float) -> Float { g / count }
}

private struct SharePair: ElementPair {
  func apply(_ g: Float, _ divisor: Float) -> Float { g / divisor }
}
