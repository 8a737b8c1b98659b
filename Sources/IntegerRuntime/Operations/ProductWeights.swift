import CIntegerKernels
import Tensors

/// The constant side of a product: one row of integers for each column of the result.
struct ProductWeights: Sendable {
  /// `[column][runCount * runBytes]`.
  let integers: [Int8]
  let columns: Int
  let runCount: Int
  let runBytes: Int
  /// With the input's zero point multiplied in.
  let bias: [Int32]
  /// The least width that holds the integers and leaves the sums, which kernels see times
  /// `2^(8 - width)`, in int32.
  let bits: Int
  var multipliers: [Float]
  /// Added to float results.
  var offsets: [Float]

  var depth: Int { runCount * runBytes }

  init(
    integers: [Int8], columns: Int, runCount: Int, runBytes: Int, bias: [Int32],
    multipliers: [Float], offsets: [Float]
  ) {
    (self.integers, self.bias) = (integers, bias)
    (self.columns, self.runCount, self.runBytes) = (columns, runCount, runBytes)
    (self.multipliers, self.offsets) = (multipliers, offsets)
    bits = ProductWeights.width(
      of: 0..<columns, integers: integers, bias: bias, depth: runCount * runBytes)
  }

  /// The least width of some columns.
  private static func width(
    of columns: Range<Int>, integers: [Int8], bias: [Int32], depth: Int
  ) -> Int {
    // A bound on the magnitude of every sum, bias included.
    let reach = columns.reduce(0) { largest, column in
      max(
        largest,
        integers[column * depth..<(column + 1) * depth].reduce(Int(bias[column].magnitude)) {
          $0 + 255 * Int($1.magnitude)
        })
    }
    let own = integers[columns.lowerBound * depth..<columns.upperBound * depth]
    let (least, most) = (Int(own.min() ?? 0), Int(own.max() ?? 0))
    return (2..<8).first {
      least >= -(1 << ($0 - 1)) && most < 1 << ($0 - 1)
        && reach << (8 - $0) <= Int(Int32.max)
    } ?? 8
  }

  func packed(_ kernels: KernelSet) -> PackedWeights { PackedWeights(self, kernels) }
}

extension ProductWeights {
  /// Channels that kernels compute at once.
  private static let step = 16
  private static let mostParts = 8
  /// What parts have to save.
  private static let worthwhile = 0.9

  /// Columns side by side that need one width, where that takes clearly less room than the whole at its own.
  var byWidth: [ProductWeights] {
    var parts: [(columns: Range<Int>, bits: Int)] = []
    for start in stride(from: 0, to: columns, by: Self.step) {
      let columns = start..<min(start + Self.step, columns)
      let bits = Self.width(of: columns, integers: integers, bias: bias, depth: depth)
      if let last = parts.last, last.bits == bits {
        parts[parts.count - 1].columns = last.columns.lowerBound..<columns.upperBound
      } else {
        parts.append((columns, bits))
      }
    }
    let size = parts.reduce(0) { $0 + $1.columns.count * $1.bits }
    guard parts.count > 1, parts.count <= Self.mostParts,
      Double(size) <= Self.worthwhile * Double(columns * bits)
    else { return [self] }
    return parts.map { part($0.columns) }
  }

  private func part(_ range: Range<Int>) -> ProductWeights {
    ProductWeights(
      integers: Array(integers[range.lowerBound * depth..<range.upperBound * depth]),
      columns: range.count, runCount: runCount, runBytes: runBytes, bias: Array(bias[range]),
      multipliers: Array(multipliers[range]), offsets: Array(offsets[range]))
  }
}

/// Weights in the layout that a product streams.
struct PackedWeights: Sendable {
  let columns: Int
  let runCount: Int
  let runBytes: Int
  let bits: Int
  let panels: Int
  private let weights: AlignedBuffer<UInt8>
  private let bias: AlignedBuffer<Int32>
  private let multipliers: AlignedBuffer<Float>
  private let offsets: AlignedBuffer<Float>

  init(_ source: ProductWeights, _ kernels: KernelSet) {
    columns = source.columns
    runCount = source.runCount
    runBytes = source.runBytes
    bits = source.bits
    panels = kernels.panels(of: columns)
    let padded = ik_padded_columns(kernels.table, columns)
    let depth = ik_padded_depth(runCount, runBytes)
    weights = AlignedBuffer(
      count: ik_packed_bytes(kernels.table, columns, depth, Int32(source.bits)))
    bias = AlignedBuffer(count: padded)
    multipliers = AlignedBuffer(count: padded)
    offsets = AlignedBuffer(count: padded)
    let width = Int32(bits)
    ik_pack_weights(
      kernels.table, source.integers, columns, runCount, runBytes, width, weights.pointer)
    ik_pack_bias(kernels.table, source.bias, columns, width, bias.pointer)
    ik_pack_multipliers(kernels.table, source.multipliers, columns, width, multipliers.pointer)
    ik_pack_multipliers(kernels.table, source.offsets, columns, 8, offsets.pointer)
  }

  var byteCount: Int { weights.byteCount + bias.byteCount + multipliers.byteCount }
  var kernelName: String { "u8s\(bits)" }

  /// A product of these weights; rows and places are the caller's.
  func product(
    rows: ik_rows, places: ik_places, isFloat: Bool, range: ResultRange
  ) -> ik_product {
    ik_product(
      rows: rows, columns: columns, bits: Int32(bits), weights: weights.pointer,
      bias: bias.pointer, multipliers: multipliers.pointer, places: places,
      is_float: isFloat ? 1 : 0, offsets: offsets.pointer, zero: range.zero, low: range.low,
      high: range.high)
  }
}

/// The zero point of a result and the integers that an activation leaves it.
struct ResultRange: Sendable, Equatable {
  var zero: UInt8
  var low: UInt8 = 0
  var high: UInt8 = 255

  init(_ parameters: QuantizedParameters, clamp: RealClamp = RealClamp()) {
    zero = parameters.zero
    if clamp.low > -.infinity { low = parameters.quantized(clamp.low) }
    if clamp.high < .infinity { high = parameters.quantized(clamp.high) }
  }

  /// Cut off again, after what the range leaves.
  func limited(to integers: ClosedRange<UInt8>) -> ResultRange {
    var result = self
    result.low = low.clamped(to: integers)
    result.high = high.clamped(to: integers)
    return result
  }
}

/// What Relu and Clip leave of the reals.
struct RealClamp: Sendable, Equatable {
  var low: Float = -.infinity
  var high: Float = .infinity
}
