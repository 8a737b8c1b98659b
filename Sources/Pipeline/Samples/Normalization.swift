import Tensors

/// `(x * scale - mean[channel]) / std[channel]`, computed in double precision.
struct Normalization: Sendable {
  let scale: Double
  let means: [Double]
  let deviations: [Double]

  /// `mean` and `std` hold one value, or one for each of `channels`.
  init(_ preprocessing: Preprocessing, channels: Int, source: String) throws(SampleError) {
    scale = preprocessing.scale ?? 1
    means = try Normalization.spread(
      preprocessing.mean ?? [0], over: channels, key: "mean", source: source)
    deviations = try Normalization.spread(
      preprocessing.std ?? [1], over: channels, key: "std", source: source)
  }

  private static func spread(
    _ values: [Double], over channels: Int, key: String, source: String
  ) throws(SampleError) -> [Double] {
    if values.count == channels { return values }
    guard values.count == 1 else {
      throw .preprocessing(
        origin: source,
        problem: "\(key) has \(values.count) values, the samples have \(channels) channels")
    }
    return Array(repeating: values[0], count: channels)
  }

  func apply(_ value: Double, channel: Int) -> Double {
    (value * scale - means[channel]) / deviations[channel]
  }

  /// The values of a uint8 image `[H, W, C]`, as they are or with channels first.
  func apply(toImage image: Tensor, planar: Bool) -> [Double] {
    let channels = image.shape[2]
    let pixels = image.shape[0] * image.shape[1]
    let tables = (0..<channels).map { channel in
      (0...255).map { apply(Double($0), channel: channel) }
    }
    return image.withElements(of: UInt8.self) { source in
      [Double](unsafeUninitializedCapacity: source.count) { target, count in
        for channel in 0..<channels {
          let table = tables[channel]
          for pixel in 0..<pixels {
            let position = planar ? channel * pixels + pixel : pixel * channels + channel
            target[position] = table[Int(source[pixel * channels + channel])]
          }
        }
        count = source.count
      }
    }
  }
}
