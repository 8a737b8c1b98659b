import Parallelism
import Tensors

/// Sums of a value `[N, C, ...]` by channel.
struct ChannelSums {
  /// Elements of a channel.
  private(set) var count = 0
  private var sums: [Double]
  private var squares: [Double]

  init(channels: Int) {
    sums = Array(repeating: 0, count: channels)
    squares = sums
  }

  mutating func add(_ value: Tensor, pool: WorkerPool) {
    guard value.rank > 1, value.shape[1] == sums.count, value.elementType == .float32 else {
      return
    }
    let (images, channels) = (value.shape[0], sums.count)
    let plane = Tensor.count(of: Array(value.shape[2...]))
    count += images * plane
    sums.withUnsafeMutableBufferPointer { sums in
      squares.withUnsafeMutableBufferPointer { squares in
        value.withElements(of: Float.self) { values in
          nonisolated(unsafe) let (sums, squares, values) = (sums, squares, values)
          pool.forEach(channels) { channel in
            for image in 0..<images {
              let first = (image * channels + channel) * plane
              var (sum, square) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
              let whole = plane / 8 * 8
              for start in stride(from: first, to: first + whole, by: 8) {
                for lane in 0..<8 {
                  sum[lane] += values[start + lane]
                  square[lane] += values[start + lane] * values[start + lane]
                }
              }
              for index in first + whole..<first + plane {
                sum[0] += values[index]
                square[0] += values[index] * values[index]
              }
              sums[channel] += Double(sum.sum())
              squares[channel] += Double(square.sum())
            }
          }
        }
      }
    }
  }

  func mean(_ channel: Int) -> Double { sums[channel] / Double(count) }

  func deviation(_ channel: Int) -> Double {
    let mean = mean(channel)
    return max(squares[channel] / Double(count) - mean * mean, 0).squareRoot()
  }
}
