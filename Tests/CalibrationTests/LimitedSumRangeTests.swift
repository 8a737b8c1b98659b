import Quantization
import Tensors
import Testing

@testable import Calibration

@Suite struct LimitedSumRangeTests {
  /// Even between -10 and 2.
  private let operand = (0..<2000).map { Float($0) * 0.006 - 10 }

  private func range(
    other: [Float], lower: Float? = 0, upper: Float? = nil
  ) throws -> ClosedRange<Float> {
    let search = try #require(
      LimitedSumRange(operand: operand, other: other, lower: lower, upper: upper))
    return search.range(around: -10...2, within: -10...2) {
      .covering(low: $0.lowerBound, high: $0.upperBound)
    }
  }

  @Test func whatTheLimitsTakeAwayIsClipped() throws {
    let found = try range(other: operand.indices.map { Float($0 % 11) / 10 })
    #expect((-1.7)...(-0.9) ~= found.lowerBound)
    #expect(found.upperBound > 1.9)
  }

  @Test func whatAnotherSummandLiftsIsKept() throws {
    let found = try range(other: operand.indices.map { Float($0 % 11) })
    #expect(found.lowerBound < -9)
  }

  @Test func upperLimitsCutAsWell() throws {
    let other = [Float](repeating: 0, count: operand.count)
    let found = try range(other: other, lower: -9.9, upper: 0.5)
    #expect(found.lowerBound < -9.5)
    #expect((0.4)...(0.8) ~= found.upperBound)
  }

  @Test func elementsOfTwoPlacesSayNothing() {
    #expect(LimitedSumRange(operand: operand, other: [1], lower: 0, upper: nil) == nil)
    #expect(LimitedSumRange(operand: [], other: [], lower: 0, upper: nil) == nil)
  }

  @Test func tensorsOfOneShapeAreLookedAtInTheSamePlaces() {
    var (first, second) = (ElementSample(perSample: 50), ElementSample(perSample: 50))
    for sample in 0..<3 {
      let values = (0..<999).map { Float(sample * 999 + $0) }
      first.take(from: Tensor(values, shape: [1, 3, 333]), sample: sample)
      second.take(from: Tensor(values.map { 2 * $0 }, shape: [1, 3, 333]), sample: sample)
    }
    #expect(first.values.count == 150)
    #expect(second.values == first.values.map { 2 * $0 })
    // Spread over the whole, other places in every sample.
    #expect(Set(first.values.prefix(50).map { Int($0) / 100 }).count == 10)
    #expect(Set(first.values.map { Int($0) % 999 }).count > 120)
  }

  @Test func fewElementsAreAllTaken() {
    var sample = ElementSample(perSample: 50)
    sample.take(from: Tensor([1, 2, 3] as [Float], shape: [3]), sample: 0)
    #expect(sample.values == [1, 2, 3])
  }
}
