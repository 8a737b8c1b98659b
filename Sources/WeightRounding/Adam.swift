import Foundation

/// Steps against a gradient, each value's in units of the size that its gradient has had: D. P. Kingma
/// and J. Ba, "Adam: a method for stochastic optimization", 2015.
struct Adam {
  private var means: [Float]
  private var squares: [Float]
  private var step = 0
  private let decay: (means: Float, squares: Float)

  init(count: Int, squaresDecay: Float) {
    means = [Float](repeating: 0, count: count)
    squares = means
    decay = (0.9, squaresDecay)
  }

  /// By how much each value falls, given to `apply` with its index.
  mutating func descend(
    _ gradient: UnsafeBufferPointer<Float>, rate: Float, _ apply: (Int, Float) -> Void
  ) {
    step += 1
    let (first, second) = decay
    let firstBias = 1 - pow(first, Float(step))
    let secondBias = 1 - pow(second, Float(step))
    means.withUnsafeMutableBufferPointer { means in
      squares.withUnsafeMutableBufferPointer { squares in
        for index in gradient.indices {
          let slope = gradient[index]
          means[index] = first * means[index] + (1 - first) * slope
          squares[index] = second * squares[index] + (1 - second) * slope * slope
          apply(
            index, rate * (means[index] / firstBias) / (sqrt(squares[index] / secondBias) + 1e-12))
        }
      }
    }
  }
}
