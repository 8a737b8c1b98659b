/// Resampling of uint8 images as Pillow's `BILINEAR` does it: a triangle filter that widens with
/// the reduction (antialiasing), two passes, weights in fixed point with 22 fractional bits.
public enum ImageResize {
  /// Resizes `[height, width, channels]`; sizes must be positive.
  public static func bilinear(_ image: Tensor, height: Int, width: Int) -> Tensor {
    precondition(image.elementType == .uint8 && image.rank == 3 && height > 0 && width > 0)
    let (rows, columns, channels) = (image.shape[0], image.shape[1], image.shape[2])
    let source = image.elements(of: UInt8.self)
    let narrowed =
      columns == width
      ? source
      : resample(
        source, outer: rows, length: columns, inner: channels, to: width)
    let result =
      rows == height
      ? narrowed
      : resample(narrowed, outer: 1, length: rows, inner: width * channels, to: height)
    return Tensor(result, shape: [height, width, channels])
  }

  /// Resamples the middle axis of `[outer, length, inner]`.
  private static func resample(
    _ source: [UInt8], outer: Int, length: Int, inner: Int, to size: Int
  ) -> [UInt8] {
    let taps = (0..<size).map { weights(for: $0, length: length, size: size) }
    return [UInt8](unsafeUninitializedCapacity: outer * size * inner) { target, count in
      for row in 0..<outer {
        for position in 0..<size {
          let (first, weights) = taps[position]
          for item in 0..<inner {
            var sum = 1 << (precision - 1)
            for (tap, weight) in weights.enumerated() {
              sum += weight * Int(source[(row * length + first + tap) * inner + item])
            }
            target[(row * size + position) * inner + item] = UInt8(
              clamping: sum >> precision)
          }
        }
      }
      count = outer * size * inner
    }
  }

  private static let precision = 22

  /// The first source pixel of an output pixel and the fixed-point weights from there on.
  static func weights(for position: Int, length: Int, size: Int) -> (first: Int, weights: [Int]) {
    let scale = Double(length) / Double(size)
    let support = max(scale, 1)
    let center = (Double(position) + 0.5) * scale
    let first = max(0, Int(center - support + 0.5))
    let last = min(length, Int(center + support + 0.5))
    let raw = (first..<last).map { pixel in
      max(0, 1 - abs((Double(pixel) - center + 0.5) / support))
    }
    let total = raw.reduce(0, +)
    return (first, raw.map { Int(($0 / total * Double(1 << precision)).rounded()) })
  }
}
