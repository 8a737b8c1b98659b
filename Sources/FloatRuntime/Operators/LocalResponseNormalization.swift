import GraphIR
import Tensors

/// LRN: each element divided by a power of the sum of squares over neighbouring channels.
enum LocalResponseNormalization {
  static let definitions: [OperatorDefinition] = [
    .tensors("LRN") { node in
      let alpha = try node.float("alpha") ?? 0.0001
      let beta = try node.float("beta") ?? 0.75
      let bias = try node.float("bias") ?? 1
      guard let size = try node.int("size"), size > 0 else {
        throw node.failure("attribute 'size' must be a positive integer")
      }
      return { inputs, context in
        let x = try inputs.tensor(0)
        guard x.rank >= 2 else { throw inputs.failure("input \(x.shape) has no channels") }
        let wide = try inputs.converted(inputs.widenedFloat(x), to: .float32)
        let (channels, plane) = (x.shape[1], Tensor.count(of: Array(x.shape[2...])))
        let result = wide.withElements(of: Float.self) { source in
          Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
            guard let from = source.baseAddress, let to = out.baseAddress else { return }
            nonisolated(unsafe) let (input, output) = (from, to)
            context.pool.forEach(x.shape[0] * channels) { index in
              let (sample, channel) = (index / channels, index % channels)
              let first = max(0, channel - (size - 1) / 2)
              let last = min(channels - 1, channel + size / 2)
              let result = output + index * plane
              result.update(repeating: 0, count: plane)
              for neighbour in first...last {
                let values = input + (sample * channels + neighbour) * plane
                for pixel in 0..<plane { result[pixel] += values[pixel] * values[pixel] }
              }
              let values = input + index * plane
              let scale = alpha / Float(size)
              for pixel in 0..<plane {
                result[pixel] = values[pixel] * power(bias + scale * result[pixel], -beta)
              }
            }
          }
        }
        return [result.narrowed(to: x.elementType)]
      }
    }
  ]

  /// The usual exponent -0.75 is two square roots.
  private static func power(_ base: Float, _ exponent: Float) -> Float {
    guard exponent == -0.75 else { return Float.power(base, exponent) }
    let root = base.squareRoot()
    return 1 / (root * root.squareRoot())
  }
}
