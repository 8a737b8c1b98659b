import Tensors

/// Rearrangements of uint8 images `[H, W, C]`.
enum ImageChannels {
  /// ITU-R 601 luma in 16-bit fixed point, as Pillow's `L` mode computes it.
  static func grey(_ image: Tensor) -> Tensor {
    let source = image.elements(of: UInt8.self)
    let values = (0..<source.count / 3).map { pixel in
      let sum =
        19595 * Int(source[3 * pixel]) + 38470 * Int(source[3 * pixel + 1])
        + 7471 * Int(source[3 * pixel + 2])
      return UInt8(clamping: (sum + 0x8000) >> 16)
    }
    return Tensor(values, shape: [image.shape[0], image.shape[1], 1])
  }

  /// RGB to BGR and back.
  static func reversed(_ image: Tensor) -> Tensor {
    let source = image.elements(of: UInt8.self)
    let channels = image.shape[2]
    return Tensor(
      source.indices.map { source[$0 / channels * channels + (channels - 1 - $0 % channels)] },
      shape: image.shape)
  }

  /// `[H, W, C]` to `[C, H, W]`.
  static func planar(_ image: Tensor) -> Tensor {
    let source = image.elements(of: UInt8.self)
    let channels = image.shape[2]
    let pixels = image.shape[0] * image.shape[1]
    return Tensor(
      (0..<source.count).map { source[$0 % pixels * channels + $0 / pixels] },
      shape: [channels, image.shape[0], image.shape[1]])
  }

  /// The middle of the image, an odd rest split as Python's `round` splits it (halves to even);
  /// nil where the image is smaller.
  static func centerCrop(_ image: Tensor, height: Int, width: Int) -> Tensor? {
    let (rows, columns, channels) = (image.shape[0], image.shape[1], image.shape[2])
    guard height <= rows, width <= columns else { return nil }
    let top = halved(rows - height)
    let left = halved(columns - width)
    return image.withElements(of: UInt8.self) { source in
      Tensor(shape: [height, width, channels]) { (target: UnsafeMutableBufferPointer<UInt8>) in
        for row in 0..<height {
          for item in 0..<width * channels {
            target[row * width * channels + item] =
              source[((top + row) * columns + left) * channels + item]
          }
        }
      }
    }
  }

  private static func halved(_ difference: Int) -> Int {
    Int((Double(difference) / 2).rounded(.toNearestOrEven))
  }
}
