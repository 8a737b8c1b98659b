import Tensors

/// Other looks of an image, so that a few calibration samples say more of a layer's inputs:
/// mirrored, a part of it enlarged to the whole, moved by up to an eighth of its sides more (what would
/// come in from outside is reflected), with other contrast and brightness. The network's own outputs for it are what counts, so that it
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
    let part = moves ? Float(1 - generator.unit() * (1 - Self.smallestPart)) : 1
    let columns = sources(
      width, part: part, mirrored: !number.isMultiple(of: 2), moves: moves, generator: &generator)
    let rows = sources(height, part: part, mirrored: false, moves: moves, generator: &generator)
    let moved = image.withElements(of: Float.self) { source in
      Tensor(shape: image.shape) { (target: UnsafeMutableBufferPointer<Float>) in
        var index = 0
        for plane in stride(from: 0, to: source.count / inner, by: height * width) {
          for row in rows {
            let (upper, lower) = (plane + row.first * width, plane + row.second * width)
            for column in columns {
              let (left, right) = (column.first, column.second)
              for item in 0..<inner {
                let above = column.between(
                  source[(upper + left) * inner + item], source[(upper + right) * inner + item])
                let below = column.between(
                  source[(lower + left) * inner + item], source[(lower + right) * inner + item])
                target[index] = row.between(above, below)
                index += 1
              }
            }
          }
        }
      }
    }
    return moves ? lit(moved, generator: &generator) : moved
  }

  /// The smallest share of a side that is enlarged.
  private static let smallestPart = 0.5

  /// Two neighbours, and how far a place is from the first to the second.
  private struct Source {
    let first: Int
    let second: Int
    let share: Float

    func between(_ a: Float, _ b: Float) -> Float { a + share * (b - a) }
  }

  /// Where each place of a side is taken from.
  private func sources(
    _ side: Int, part: Float, mirrored: Bool, moves: Bool, generator: inout SplitMix64
  ) -> [Source] {
    let reach = moves ? Float(side) * (0.125 + (1 - part) / 2) : 0
    let offset = moves ? Float(generator.unit() * 2 - 1) * reach : 0
    let middle = Float(side - 1) / 2
    func inside(_ place: Int) -> Int {
      let place = abs(place)
      return max(place < side ? place : 2 * (side - 1) - place, 0)
    }
    return (0..<side).map { place in
      let position = middle + (Float(mirrored ? side - 1 - place : place) - middle) * part + offset
      let lower = position.rounded(.down)
      return Source(
        first: inside(Int(lower)), second: inside(Int(lower) + 1), share: position - lower)
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
