import Tensors

/// Other looks of an image, so that a few calibration samples say more of a layer's inputs:
/// mirrored, moved by up to an eighth of its sides (what would come in from outside is reflected),
/// with other contrast and brightness. The network's own outputs for it are what counts, so that it
/// need not look like any class.
struct ImageVariation {
  let layout: Preprocessing.Layout

  /// Variant `number`, from 1, of images `[N, C, H, W]` or `[N, H, W, C]` of floats: odd ones are
  /// mirrored, the first is nothing but that. Other tensors come back as they are.
  func variant(_ image: Tensor, number: Int, generator: inout SplitMix64) -> Tensor {
    guard image.elementType == .float32, image.rank == 4, image.count > 0 else { return image }
    let planar = layout == .nchw
    let (height, width) = (image.shape[planar ? 2 : 1], image.shape[planar ? 3 : 2])
    let inner = planar ? 1 : image.shape[3]
    let moves = number > 1
    let columns = sources(
      width, mirrored: !number.isMultiple(of: 2), moves: moves, generator: &generator)
    let rows = sources(height, mirrored: false, moves: moves, generator: &generator)
    let moved = image.withElements(of: Float.self) { source in
      Tensor(shape: image.shape) { (target: UnsafeMutableBufferPointer<Float>) in
        var index = 0
        for plane in stride(from: 0, to: source.count, by: height * width * inner) {
          for row in rows {
            for column in columns {
              for item in 0..<inner {
                target[index] = source[plane + (row * width + column) * inner + item]
                index += 1
              }
            }
          }
        }
      }
    }
    return moves ? lit(moved, generator: &generator) : moved
  }

  /// Where each place of a side is taken from.
  private func sources(
    _ side: Int, mirrored: Bool, moves: Bool, generator: inout SplitMix64
  ) -> [Int] {
    let reach = moves ? side / 8 : 0
    let offset = moves ? generator.draw(2 * reach + 1) - reach : 0
    return (0..<side).map { place in
      let position = abs((mirrored ? side - 1 - place : place) + offset)
      return position < side ? position : 2 * (side - 1) - position
    }
  }

  /// Contrast by up to 15 %, brightness by up to 5 % of the range, within the range.
  private func lit(_ image: Tensor, generator: inout SplitMix64) -> Tensor {
    let contrast = Float(0.85 + 0.3 * generator.unit())
    let brightness = Float(0.1 * generator.unit() - 0.05)
    let values = image.elements(of: Float.self)
    guard let low = values.min(), let high = values.max() else { return image }
    let shift = low + brightness * (high - low)
    return Tensor(
      values.map { min(max(($0 - low) * contrast + shift, low), high) }, shape: image.shape)
  }
}
