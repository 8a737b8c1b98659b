import CFloatKernels
import Parallelism

/// Streaming statistics of a value: its extent and a histogram of constant size.
///
/// Bins have a width of a power of two and an edge at zero, so that widening them merges whole
/// bins: the result depends on the values only, never on their order or batching.
public struct ValueHistogram: Sendable, Codable, Equatable {
  /// Bins on each side of zero.
  static let half = 2048

  public private(set) var count = 0
  /// Elements that are exactly zero.
  public private(set) var zeros = 0
  public private(set) var minimum: Float = 0
  public private(set) var maximum: Float = 0
  /// The width of a bin is two to this power.
  private(set) var exponent = Int.min
  private(set) var counts: [UInt64] = []

  public init() {}

  /// The width of a bin.
  var width: Double {
    count == 0 || counts.isEmpty ? 0 : Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// Adds the values; false, and nothing added, where one is NaN or infinite.
  public mutating func add(_ values: UnsafeBufferPointer<Float>, pool: WorkerPool) -> Bool {
    guard let start = values.baseAddress, !values.isEmpty else { return true }
    let chunk = 1 << 16
    let chunks = (values.count + chunk - 1) / chunk
    nonisolated(unsafe) let source = start
    let total = values.count
    let extents = [fk_extent](unsafeUninitializedCapacity: chunks) { buffer, initialized in
      nonisolated(unsafe) let buffer = buffer
      pool.forEach(chunks) { index in
        let first = index * chunk
        buffer[index] = fk_extent_of(source + first, min(chunk, total - first))
      }
      initialized = chunks
    }
    guard extents.allSatisfy({ $0.finite != 0 }) else { return false }
    let low = extents.map(\.minimum).min() ?? 0
    let high = extents.map(\.maximum).max() ?? 0
    minimum = count == 0 ? low : min(minimum, low)
    maximum = count == 0 ? high : max(maximum, high)
    zeros += extents.reduce(0) { $0 + $1.zeros }
    count += total
    grow(toHold: max(abs(low), abs(high)))
    let bins = 2 * Self.half
    // Subnormal magnitudes fall into the bins next to zero.
    let reciprocal = Float(sign: .plus, exponent: -exponent, significand: 1)
    let tasks = min(pool.threadCount, chunks)
    let tables = tasks * FK_HISTOGRAM_TABLES
    let partial = [UInt32](unsafeUninitializedCapacity: tables * bins) { buffer, initialized in
      buffer.initialize(repeating: 0)
      nonisolated(unsafe) let buffer = buffer
      pool.forEach(tasks) { task in
        guard let counts = buffer.baseAddress else { return }
        let (first, last) = (total * task / tasks, total * (task + 1) / tasks)
        fk_histogram(
          source + first, last - first, reciprocal,
          counts + task * FK_HISTOGRAM_TABLES * bins, Int32(Self.half))
      }
      initialized = tables * bins
    }
    partial.withUnsafeBufferPointer { partial in
      counts.withUnsafeMutableBufferPointer { counts in
        for table in 0..<tables {
          for bin in 0..<bins { counts[bin] += UInt64(partial[table * bins + bin]) }
        }
      }
    }
    return true
  }

  /// Widens the bins so that `-magnitude ... magnitude` lies within.
  private mutating func grow(toHold magnitude: Float) {
    // floor(log2 magnitude) + 1 - log2(half): magnitude / width < half.
    let needed = max(
      magnitude == 0 ? -120 : Int(magnitude.exponent) + 1 - Self.half.trailingZeroBitCount, -120)
    if counts.isEmpty {
      counts = Array(repeating: 0, count: 2 * Self.half)
      exponent = needed
    }
    guard needed > exponent else { return }
    let shift = needed - exponent
    var merged = Array(repeating: UInt64(0), count: 2 * Self.half)
    for (bin, value) in counts.enumerated() where value > 0 {
      let index = (bin - Self.half) >> min(shift, Int.bitWidth - 1)
      merged[index + Self.half] += value
    }
    counts = merged
    exponent = needed
  }

  /// The occupied bins in rising order: their edges, cut to the extent, and how many values they
  /// hold besides exact zeros, which every quantizer keeps.
  var occupiedBins: [(low: Double, high: Double, count: Double)] {
    counts.enumerated().compactMap { bin, value in
      let inBin = bin == Self.half ? value - min(UInt64(zeros), value) : value
      guard inBin > 0 else { return nil }
      let low = Double(bin - Self.half) * width
      return (
        max(low, Double(minimum)), min(low + width, Double(maximum)), Double(inBin)
      )
    }
  }

  /// Adds another histogram, as if its values had been added here.
  public mutating func merge(_ other: ValueHistogram) {
    guard other.count > 0 else { return }
    guard count > 0 else {
      self = other
      return
    }
    var other = other
    grow(toHold: max(abs(other.minimum), abs(other.maximum)))
    other.widen(to: exponent)
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    zeros += other.zeros
    count += other.count
    for bin in counts.indices { counts[bin] += other.counts[bin] }
  }

  private mutating func widen(to exponent: Int) {
    guard exponent > self.exponent else { return }
    grow(
      toHold: Float(
        sign: .plus, exponent: exponent - 1 + Self.half.trailingZeroBitCount, significand: 1))
  }
}
