import Tensors

/// What values of an input occur.
struct ValueBounds {
  var low = Float.infinity
  var high = -Float.infinity

  init(_ tensors: [Tensor]) {
    for tensor in tensors {
      tensor.withElements(of: Float.self) { values in
        for value in values { (low, high) = (min(low, value), max(high, value)) }
      }
    }
  }
}

/// Adam (Kingma and Ba 2015) on a tensor.
struct InputOptimizer {
  private var mean: [Float]
  private var square: [Float]

  init(count: Int) {
    mean = Array(repeating: 0, count: count)
    square = mean
  }

  /// `step` counts from 1; `rate` is a share of the bounds' distance.
  mutating func moved(
    _ value: Tensor, against gradient: Tensor, step: Int, rate: Float, bounds: ValueBounds
  ) -> Tensor {
    let (first, second): (Float, Float) = (0.9, 0.999)
    var (meanShare, squareShare) = (Float(1), Float(1))
    for _ in 0..<step { (meanShare, squareShare) = (meanShare * first, squareShare * second) }
    let length = rate * (bounds.high - bounds.low) / (1 - meanShare)
    let correction = 1 / (1 - squareShare)
    return value.withElements(of: Float.self) { value in
      gradient.withElements(of: Float.self) { gradient in
        mean.withUnsafeMutableBufferPointer { mean in
          square.withUnsafeMutableBufferPointer { square in
            Tensor(
              value.indices.map { index in
                let slope = gradient[index]
                mean[index] = first * mean[index] + (1 - first) * slope
                square[index] = second * square[index] + (1 - second) * slope * slope
                let root = (square[index] * correction).squareRoot()
                let moved = root > 0 ? value[index] - length * mean[index] / root : value[index]
                return min(max(moved, bounds.low), bounds.high)
              }, shape: [value.count])
          }
        }
      }
    }.reshaped(to: value.shape)
  }
}
