import Parallelism
import Tensors
import TestSupport
import Testing

@testable import Quantization

@Suite struct WeightQuantizerTests {
  static func squaredError(
    _ weights: [Float], scale: Float, bits: Int, importance: [Float]? = nil
  ) -> Double {
    let range = WeightRange.of(bits: bits)
    return weights.enumerated().reduce(0) { sum, element in
      let (index, weight) = element
      let rounded = (weight / scale).rounded(.toNearestOrEven)
      let integer = min(max(rounded, Float(range.lowerBound)), Float(range.upperBound))
      let error = Double(weight - integer * scale)
      return sum + error * error * Double(importance?[index] ?? 1)
    }
  }

  @Test(arguments: WeightRange.supportedBits)
  func scaleIsCloseToTheBestOfADenseSearch(bits: Int) throws {
    for (count, seed) in [(9, 1), (27, 2), (577, 3), (4608, 4)] {
      let values = normalValues(count, seed: UInt64(seed))
      let rows = try WeightRows(Tensor(values, shape: [1, count]), named: "w", axis: 0)
      let quantized = WeightQuantizer(bits: bits).quantize(rows, pool: WorkerPool(threadCount: 1))
      let range = WeightRange.of(bits: bits)
      let widest = try #require(values.map(abs).max()) / Float(range.upperBound)
      let dense = (1...1000).map {
        Self.squaredError(values, scale: widest * Float($0) / 900, bits: bits)
      }
      let best = try #require(dense.min())
      let found = Self.squaredError(values, scale: quantized.scales[0], bits: bits)
      #expect(found <= best * (count < 100 ? 1.5 : 1.04), "\(bits) bits, \(count) weights")
      let integers = try #require(quantized.integers.integers())
      #expect(integers.allSatisfy(range.contains))
      let error = zip(values, integers).reduce(0.0) { sum, pair in
        let difference = Double(pair.0 - Float(pair.1) * quantized.scales[0])
        return sum + difference * difference
      }
      #expect(abs(error - found) <= found * 1e-3)
    }
  }

  @Test func importanceMovesTheScaleTowardsWhatMatters() throws {
    let values = normalValues(300, seed: 9)
    let importance = values.map { abs($0) > 1.2 ? Float(100) : 1 }
    let rows = try WeightRows(Tensor(values, shape: [1, 300]), named: "w", axis: 0)
    let pool = WorkerPool(threadCount: 1)
    let plain = WeightQuantizer(bits: 3).quantize(rows, pool: pool).scales[0]
    let weighted = WeightQuantizer(bits: 3)
      .quantize(rows, importance: [importance], pool: pool).scales[0]
    #expect(
      Self.squaredError(values, scale: weighted, bits: 3, importance: importance)
        < Self.squaredError(values, scale: plain, bits: 3, importance: importance))
  }

  @Test func channelsOfAnInnerAxisEqualThoseOfTheTransposedWeight() throws {
    let (inner, outer) = (12, 7)
    let values = normalValues(inner * outer, seed: 5)
    let transposed = (0..<outer).flatMap { o in (0..<inner).map { values[$0 * outer + o] } }
    let pool = WorkerPool(threadCount: 2)
    let columns = WeightQuantizer(bits: 4).quantize(
      try WeightRows(Tensor(values, shape: [inner, outer]), named: "w", axis: 1), pool: pool)
    let rows = WeightQuantizer(bits: 4).quantize(
      try WeightRows(Tensor(transposed, shape: [outer, inner]), named: "w", axis: 0), pool: pool)
    #expect(columns.scales == rows.scales)
    let left = columns.integers.elements(of: Int8.self)
    let right = rows.integers.elements(of: Int8.self)
    for o in 0..<outer {
      for i in 0..<inner { #expect(left[i * outer + o] == right[o * inner + i]) }
    }
    #expect(columns.integers.shape == [inner, outer])
  }

  /// A block is quantized as a row of its own would be, and dequantized in its own place.
  @Test(arguments: [0, 1])
  func blocksAreRowsOfTheirOwn(axis: Int) throws {
    let (channels, length, block) = (6, 96, 32)
    let values = normalValues(channels * length, seed: 8)
    let importance = (0..<length).map { Float($0 % 7 + 1) }
    let pool = WorkerPool(threadCount: 2)
    let shape = axis == 0 ? [channels, length] : [length, channels]
    let rows = try WeightRows(
      Tensor(values, shape: shape), named: "w", axis: axis, block: block)
    let quantized = WeightQuantizer(bits: 4).quantize(rows, importance: [importance], pool: pool)
    #expect(quantized.blocks == 3)
    func place(_ channel: Int, _ entry: Int) -> Int {
      axis == 0 ? channel * length + entry : entry * channels + channel
    }
    let integers = quantized.integers.elements(of: Int8.self)
    let dequantized = quantized.dequantized().elements(of: Float.self)
    for channel in 0..<channels {
      for part in 0..<3 {
        let entries = part * block..<(part + 1) * block
        let alone = WeightQuantizer(bits: 4).quantize(
          try WeightRows(
            Tensor(entries.map { values[place(channel, $0)] }, shape: [1, block]), named: "w",
            axis: 0), importance: [Array(importance[entries])], pool: pool)
        let scale = quantized.scales[channel * 3 + part]
        #expect(scale == alone.scales[0])
        #expect(entries.map { integers[place(channel, $0)] } == alone.integers.elements())
        #expect(
          entries.map { dequantized[place(channel, $0)] }
            == entries.map { Float(integers[place(channel, $0)]) * scale })
        #expect(
          quantized.scalesOfEntries[channel * length + part * block] == scale)
      }
    }
  }

  @Test func blocksThatDoNotDivideARowAreLeftOut() throws {
    let weight = Tensor(normalValues(4 * 50, seed: 2), shape: [4, 50])
    #expect(try WeightRows(weight, named: "w", axis: 0, block: 16).blocks == 1)
    #expect(try WeightRows(weight, named: "w", axis: 0, block: 0).blocks == 1)
    #expect(try WeightRows(weight, named: "w", axis: 0, block: 25).blocks == 2)
  }

  @Test func threadsDoNotChangeTheResult() throws {
    let weight = Tensor(normalValues(64 * 1500, seed: 6), shape: [64, 1500])
    let rows = try WeightRows(weight, named: "w", axis: 0)
    let one = WeightQuantizer(bits: 4).quantize(rows, pool: WorkerPool(threadCount: 1))
    let three = WeightQuantizer(bits: 4).quantize(rows, pool: WorkerPool(threadCount: 3))
    #expect(one == three)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func valuesThatAreNotFiniteAreNamed(value: Float) {
    for position in [0, 17, 30] {
      var values = normalValues(31, seed: 7)
      values[position] = value
      #expect(throws: QuantizationError.notFinite(tensor: "conv.weight")) {
        try WeightRows(Tensor(values, shape: [1, 31]), named: "conv.weight", axis: 0)
      }
    }
  }

  @Test func emptyTinyAndFlooredChannels() throws {
    var values = [Float](repeating: 0, count: 8)
    values += [Float](repeating: 0x1p-140, count: 8)
    values += [0.5, -0.25, 0.125, 0.75, -1, 0.3, 0.1, 0]
    let rows = try WeightRows(Tensor(values, shape: [3, 8]), named: "w", axis: 0)
    let floors: [Float] = [WeightQuantizer.smallestScale, WeightQuantizer.smallestScale, 0.5]
    for bits in WeightRange.supportedBits {
      let quantized = WeightQuantizer(bits: bits)
        .quantize(rows, scaleFloors: floors, pool: WorkerPool(threadCount: 1))
      #expect(quantized.scales.allSatisfy { $0.isNormal && $0 > 0 })
      #expect(quantized.scales[2] >= 0.5)
      #expect(quantized.integers.elements(of: Int8.self).prefix(16).allSatisfy { $0 == 0 })
    }
    #expect(BiasScale.floors(bias: [4, 0], channels: 2, inputScale: 0x1p-60)[0] == 0x1p32)
  }
}
