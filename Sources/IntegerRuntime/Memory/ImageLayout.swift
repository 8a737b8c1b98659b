/// How a quantized value lies in memory: images of rows of places, the channels of a place side by
/// side, with room around each image for the padding that its readers want.
///
/// A value of other than image form is one image of one row: its last axis counts as channels.
struct ImageLayout: Sendable, Equatable {
  var images: Int
  var height: Int
  var width: Int
  var channels: Int
  /// Whether the second axis of the tensor is that of the channels; else the last is.
  var isPlanar: Bool
  var halo = Halo()

  /// A tensor of `shape`; planar ones have 3 or 4 axes.
  init(shape: [Int], isPlanar: Bool) {
    self.isPlanar = isPlanar
    if isPlanar {
      (images, channels) = (shape[0], shape[1])
      height = shape.count == 4 ? shape[2] : 1
      width = shape[shape.count - 1]
    } else {
      (images, height) = (1, 1)
      channels = shape.last ?? 1
      width = shape.dropLast().reduce(1, *)
    }
  }

  var columnPitch: Int { channels }
  var rowPitch: Int { (halo.left + width + halo.right) * channels }
  var imagePitch: Int { (halo.top + height + halo.bottom) * rowPitch }
  var byteCount: Int { images * imagePitch }
  /// Where the first place of the first image lies.
  var origin: Int { halo.top * rowPitch + halo.left * channels }
  var count: Int { images * height * width * channels }
  var isDense: Bool { halo == Halo() }
  /// Bytes of a row without the halo.
  var rowBytes: Int { width * channels }

  /// Calls `body` with the image and row of every row, and its offset.
  func forEachRow(_ body: (_ image: Int, _ row: Int, _ offset: Int) -> Void) {
    for image in 0..<images {
      for row in 0..<height { body(image, row, origin + image * imagePitch + row * rowPitch) }
    }
  }

  /// The offset of an element by its place in the tensor, row-major.
  func offset(ofElement index: Int) -> Int {
    guard isPlanar else { return index }
    let x = index % width
    let y = index / width % height
    let c = index / (width * height) % channels
    let image = index / (width * height * channels)
    return origin + image * imagePitch + y * rowPitch + x * channels + c
  }
}

/// Places around an image that hold padding.
struct Halo: Sendable, Equatable {
  var top = 0
  var left = 0
  var bottom = 0
  var right = 0

  func union(_ other: Halo) -> Halo {
    Halo(
      top: max(top, other.top), left: max(left, other.left), bottom: max(bottom, other.bottom),
      right: max(right, other.right))
  }
}
