import Parallelism
import TestSupport
import Testing

@testable import Calibration

@Suite struct ValueHistogramTests {
  static func histogram(
    _ batches: [[Float]], threads: Int = 1
  ) -> ValueHistogram {
    var histogram = ValueHistogram()
    for batch in batches {
      let added = batch.withUnsafeBufferPointer {
        histogram.add($0, pool: WorkerPool(threadCount: threads))
      }
      #expect(added)
    }
    return histogram
  }

  @Test func orderBatchesAndThreadsDoNotMatter() {
    let values = normalValues(300_000, seed: 3).enumerated().map { index, value in
      index % 5 == 0 ? 0 : value * (index % 1000 == 7 ? 37 : 1)
    }
    let whole = Self.histogram([values])
    let threaded = Self.histogram([values], threads: 3)
    let pieces = Self.histogram(
      stride(from: 0, to: values.count, by: 777).reversed().map {
        Array(values[$0..<min($0 + 777, values.count)])
      })
    #expect(whole == threaded)
    #expect(whole == pieces)
    var merged = Self.histogram([Array(values[..<1234])])
    merged.merge(Self.histogram([Array(values[1234...])]))
    #expect(whole == merged)
    #expect(whole.minimum == values.min() && whole.maximum == values.max())
    #expect(whole.zeros == values.filter { $0 == 0 }.count)
    #expect(whole.counts.reduce(0, +) == UInt64(values.count))
  }

  @Test func extremeMagnitudesStayInBins() {
    for magnitude: Float in [
      .leastNonzeroMagnitude, .leastNormalMagnitude, 1, 0x1p11, .greatestFiniteMagnitude,
    ] {
      let histogram = Self.histogram([[magnitude, -magnitude, 0], [magnitude / 2]])
      #expect(histogram.counts.reduce(0, +) == 4)
      #expect(histogram.count == 4 && histogram.zeros >= 1)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func notFiniteValuesAreRefused(value: Float) {
    for position in [0, 16, 40] {
      var values = normalValues(41, seed: 1)
      values[position] = value
      var histogram = ValueHistogram()
      let added = values.withUnsafeBufferPointer {
        histogram.add($0, pool: WorkerPool(threadCount: 1))
      }
      #expect(!added && histogram.count == 0)
    }
  }

  @Test func percentileCutsTheShareOnEachSide() {
    let values = normalValues(200_000, seed: 8)
    let sorted = values.sorted()
    let range = RangeMethod.percentile(outside: 0.01).range(of: Self.histogram([values]))
    #expect(abs(range.lowerBound - sorted[2000]) < 0.01)
    #expect(abs(range.upperBound - sorted[198_000]) < 0.01)
  }

  @Test(arguments: [16, 256])
  func squaredErrorRangeIsNearTheBestOfAllRanges(levels: Int) {
    let values = normalValues(40_000, seed: 4).enumerated().map {
      max(0, $1) * ($0 % 500 == 0 ? 4 : 1)
    }
    func error(_ high: Float) -> Double {
      let step = high / Float(levels - 1)
      return values.reduce(0) { sum, value in
        let quantized = min(max((value / step).rounded(), 0), Float(levels - 1)) * step
        return sum + Double((value - quantized) * (value - quantized))
      }
    }
    let range = RangeMethod.mse.range(of: Self.histogram([values]), levels: levels)
    let widest = values.max() ?? 0
    let best = (10...100).map { error(widest * Float($0) / 100) }.min() ?? 0
    #expect(range.lowerBound == 0)
    #expect(error(range.upperBound) <= best * 1.1)
    #expect(levels != 16 || range.upperBound < widest * 0.8)
  }

  @Test func entropyClipsOutliersAndKeepsTheBulk() {
    var values = normalValues(100_000, seed: 5)
    values[17] = 300
    let range = RangeMethod.entropy.range(of: Self.histogram([values]))
    #expect(range.upperBound < 100 && range.upperBound > 1)
  }

  @Test func degenerateValuesGiveUsableRanges() {
    for values in [[Float](repeating: 0, count: 5), [2, 2, 2], [-3, -3]] {
      let histogram = Self.histogram([values])
      for method in [RangeMethod.minMax, .percentile(outside: 0.001), .mse, .entropy] {
        let range = method.range(of: histogram)
        #expect(range.contains(0) && range.lowerBound.isFinite && range.upperBound.isFinite)
        #expect(range.lowerBound <= values[0] * 0.5 || values[0] >= 0)
        #expect(range.upperBound >= values[0] * 0.5 || values[0] <= 0)
      }
    }
  }
}
