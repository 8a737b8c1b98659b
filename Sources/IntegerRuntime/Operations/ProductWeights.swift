import CIntegerKernels
import Tensors

/// The constant side of a product: one row of integers for each column of the result.
struct ProductWeights: Sendable {
  /// `[column][runCount * runBytes]`.
  var integers: [Int8]
  var columns: Int
  var runCount: Int
  var runBytes: Int
  /// With the input's zero point multiplied in.
  var bias: [Int32]
  var multipliers: [Float]
  /// Added to float results.
  var offsets: [Float]

  var depth: Int { runCount * runBytes }

  /// The least width that holds the integers and leaves the sums, which kernels see times
  /// `2^(8 - width)`, in int32.
  var bits: Int {
    let least = Int(integers.min() ?? 0)
    let most = Int(integers.max() ?? 0)
    let reach = largestSum
    for bits in 2..<8
    where least >= -(1 << (bits - 1)) && most < 1 << (bits - 1)
      && reach << (8 - bits) <= Int(Int32.max)
    {
      return bits
    }
    return 8
  }

  /// A bound on the magnitude of every sum, bias included.
  private var largestSum: Int {
    var largest = 0
    for column in 0..<columns {
      var sum = Int(bias[column].magnitude)
      for k in column * depth..<(column + 1) * depth { sum += 255 * Int(integers[k].magnitude) }
      largest = max(largest, sum)
    }
    return largest
  }

  func packed(_ kernels: KernelSet) -> PackedWeights { PackedWeights(self, kernels) }
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
}

/// What Relu and Clip leave of the reals.
struct RealClamp: Sendable, Equatable {
  var low: Float = -.infinity
  var high: Float = .infinity
}
