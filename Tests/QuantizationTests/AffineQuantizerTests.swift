import Testing

@testable import Quantization

@Suite struct AffineQuantizerTests {
  @Test func roundsHalfToEvenAndSaturates() {
    let parameters = AffineParameters(scale: 0.5, zeroPoint: 10, elementType: .uint8)
    #expect(parameters.quantize(0.25) == 10)
    #expect(parameters.quantize(0.75) == 12)
    #expect(parameters.quantize(1.25) == 12)
    #expect(parameters.quantize(-100) == 0)
    #expect(parameters.quantize(1e9) == 255)
    #expect(parameters.quantize(.infinity) == 255)
    #expect(parameters.dequantize(12) == 1)
  }

  @Test(arguments: [(-1.0, 3.0), (0, 6), (-2, 0), (0.5, 2), (-3, -1), (-1e-3, 1e4), (0, 0)])
  func zeroIsExactAndTheRangeCovered(low: Float, high: Float) {
    let parameters = AffineParameters.covering(low: low, high: high)
    #expect(parameters.range.contains(parameters.zeroPoint))
    #expect(parameters.dequantize(parameters.quantize(0)) == 0)
    #expect(parameters.scale > 0)
    let edges = parameters.representable
    #expect(edges.lowerBound <= min(low, 0) + parameters.scale * 0.51)
    #expect(edges.upperBound >= max(high, 0) - parameters.scale * 0.51)
    if low >= 0 { #expect(parameters.zeroPoint == 0) }
  }

  @Test func extremeRangesStayFinite() {
    let wide = AffineParameters.covering(
      low: -.greatestFiniteMagnitude, high: .greatestFiniteMagnitude)
    #expect(wide.scale.isFinite && wide.zeroPoint == 128)
    let narrow = AffineParameters.covering(low: 0, high: .leastNonzeroMagnitude)
    #expect(narrow.scale.isNormal && narrow.zeroPoint == 0)
  }
}
