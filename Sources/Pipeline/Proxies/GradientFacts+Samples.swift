import Parallelism
import ProxySearch
import Tensors

extension GradientFacts {
  /// Elements that are worth a task of their own.
  private static let chunk = 1 << 16

  /// Adds the gradient of the weights on one sample of several, each of which counts `share`.
  mutating func add(weights gradient: Tensor, share: Float, pool: WorkerPool) {
    gradient.withElements(of: Float.self) { values in
      mean.withUnsafeMutableBufferPointer { mean in
        meanSquare.withUnsafeMutableBufferPointer { squares in
          nonisolated(unsafe) let (values, mean, squares) = (values, mean, squares)
          pool.forEach((values.count + Self.chunk - 1) / Self.chunk) { task in
            for entry in task * Self.chunk..<min((task + 1) * Self.chunk, values.count) {
              let value = values[entry]
              mean[entry] += value * share
              squares[entry] += value * value * share
            }
          }
        }
      }
    }
  }

  /// Adds the gradient of the outputs; `[positions, channels]` where it is not that of a convolution.
  mutating func add(
    outputs gradient: Tensor, _ value: Tensor, share: Double, isConvolution: Bool, pool: WorkerPool
  ) {
    let channels = channelFisher.count
    guard channels > 0, gradient.count > 0, gradient.count == value.count else { return }
    let inner = isConvolution ? gradient.shape.dropFirst(2).reduce(1, *) : 1
    let positions = gradient.count / channels
    gradient.withElements(of: Float.self) { gradient in
      value.withElements(of: Float.self) { value in
        outputMeanSquare.withUnsafeMutableBufferPointer { squares in
          channelFisher.withUnsafeMutableBufferPointer { fishers in
            nonisolated(unsafe) let (gradient, value) = (gradient, value)
            nonisolated(unsafe) let (squares, fishers) = (squares, fishers)
            let perTask = max(1, Self.chunk / positions)
            pool.forEach((channels + perTask - 1) / perTask) { task in
              for channel in task * perTask..<min((task + 1) * perTask, channels) {
                var (square, product) = (0.0, 0.0)
                for block in 0..<positions / inner {
                  let start = (block * channels + channel) * inner
                  let sums = Self.sums(gradient, value, start..<start + inner)
                  square += sums.square
                  product += sums.product
                }
                squares[channel] += square / Double(positions) * share
                fishers[channel] += product * product * share
              }
            }
          }
        }
      }
    }
  }

  /// Sums of squares and of products, in several chains: each addition waits for the one before.
  private static func sums(
    _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ range: Range<Int>
  ) -> (square: Double, product: Double) {
    var (squares, products) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var index = range.lowerBound
    while index + 4 <= range.upperBound {
      let x = SIMD4<Double>(SIMD4(a[index], a[index + 1], a[index + 2], a[index + 3]))
      let y = SIMD4<Double>(SIMD4(b[index], b[index + 1], b[index + 2], b[index + 3]))
      squares += x * x
      products += x * y
      index += 4
    }
    var (square, product) = (squares.sum(), products.sum())
    for rest in index..<range.upperBound {
      square += Double(a[rest]) * Double(a[rest])
      product += Double(a[rest]) * Double(b[rest])
    }
    return (square, product)
  }
}
