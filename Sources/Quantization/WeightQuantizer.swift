import CFloatKernels
public import Parallelism
import Tensors

/// Symmetric quantizer with the scale of least squared error for every output channel, or block of one.
///
/// For each scale a grid of clipping points is tried; every candidate is judged after refitting
/// its scale to its integers by least squares, and the best is refined by alternating rounding and
/// refitting until the error stops falling.
public struct WeightQuantizer: Sendable {
  public let bits: Int

  public init(bits: Int) {
    precondition(WeightRange.supportedBits.contains(bits))
    self.bits = bits
  }

  /// Quantizes the rows.
  ///
  /// - Parameters:
  ///   - importance: one row of weights of the squared error for each group of output channels
  ///     (channels split evenly in order); nil weighs all errors alike.
  ///   - scaleFloors: the smallest value allowed to each scale, see `BiasScale`.
  public func quantize(
    _ rows: WeightRows, importance: [[Float]]? = nil, scaleFloors: [Float]? = nil,
    pool: WorkerPool
  ) -> QuantizedWeight {
    let (blocks, block) = (rows.blocks, rows.block)
    let count = rows.scaleCount
    let floors = scaleFloors ?? Array(repeating: WeightQuantizer.smallestScale, count: count)
    precondition(floors.count == count)
    var scales = Array(repeating: Float(0), count: count)
    let perChunk = max(1, 32_768 / max(block, 1))
    let chunks = (count + perChunk - 1) / perChunk
    let fallback = fallbackScale(rows)
    let grid = clippingGrid(length: block)
    let integers = rows.values.withElements(of: Float.self) { values in
      Tensor(shape: [rows.count, rows.length]) { (target: UnsafeMutableBufferPointer<Int8>) in
        scales.withUnsafeMutableBufferPointer { scales in
          nonisolated(unsafe) let (values, target, scales) = (values, target, scales)
          pool.forEach(chunks) { chunk in
            for part in chunk * perChunk..<min((chunk + 1) * perChunk, count) {
              guard block > 0, let weights = values.baseAddress, let output = target.baseAddress
              else {
                scales[part] = fallback
                continue
              }
              let group = importance.map { $0[part / blocks * $0.count / rows.count] }
              let start = part % blocks * block
              scales[part] = quantize(
                weights + part * block, count: block, importance: group?[start..<start + block],
                grid: grid, floor: floors[part], fallback: fallback, into: output + part * block)
            }
          }
        }
      }
    }
    return QuantizedWeight(
      integers: rows.restored(integers), scales: scales, axis: rows.axis, bits: bits,
      blocks: blocks)
  }

  /// No scale is smaller: its reciprocal and its product with an activation scale stay normal.
  public static let smallestScale: Float = 0x1p-100

  /// The scale of a channel without any weight: the finest that the other channels use.
  private func fallbackScale(_ rows: WeightRows) -> Float {
    let smallest = rows.largest.filter { $0 > 0 }.min() ?? 1
    return max(smallest / Float(WeightRange.of(bits: bits).upperBound), Self.smallestScale)
  }

  /// Quantizes what shares a scale; gives the scale.
  private func quantize(
    _ weights: UnsafePointer<Float>, count: Int, importance: ArraySlice<Float>?, grid: [Float],
    floor: Float, fallback: Float, into integers: UnsafeMutablePointer<Int8>
  ) -> Float {
    let largest = fk_largest_magnitude(weights, count)
    let range = WeightRange.of(bits: bits)
    let (low, high) = (Int32(range.lowerBound), Int32(range.upperBound))
    func search(_ importance: UnsafePointer<Float>?) -> Float {
      ScaleSearch(weights: weights, importance: importance, count: count, low: low, high: high)
        .best(widest: largest / Float(high), candidates: grid, floor: floor)
    }
    let scale =
      largest == 0
      ? max(fallback, floor)
      : importance.map { $0.withUnsafeBufferPointer { search($0.baseAddress) } } ?? search(nil)
    fk_round_to_int8(weights, count, scale, low, high, integers)
    return scale
  }

  /// Scales to try, relative to the one that clips nothing. Fewer bits clip more.
  private func clippingGrid(length: Int) -> [Float] {
    let (lowest, coarse): (Float, Int) =
      switch bits {
      case 2: (0.12, 22)
      case 3: (0.2, 20)
      case 4: (0.35, 16)
      case 5: (0.5, 12)
      case 6: (0.65, 10)
      default: (0.8, 8)
      }
    // Errors of short rows are ragged functions of the scale.
    let steps = length < 512 ? coarse * 4 : coarse
    return (0...steps).map { 1 - (1 - lowest) * Float($0) / Float(steps) }
  }
}
