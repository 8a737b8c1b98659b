import FloatRuntime
import GraphIR
import Tensors
import Testing

struct QuantizationOperatorTests {
  private func scales(_ values: [Float], _ shape: [Int]) -> Tensor { Tensor(values, shape: shape) }

  @Test("Ties round to even, values saturate, NaN is the smallest value")
  func rounding() throws {
    let x: [Float] = [0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 1e30, -1e30, .infinity, .nan]
    let y = try runNode(
      "QuantizeLinear",
      [
        Tensor(x, shape: [x.count]), Tensor(scalar: Float(1)),
        Tensor(integers: [0], elementType: .int8, shape: []),
      ])[0]
    #expect(y.integers() == [0, 2, 2, 0, -2, 126, 127, 127, -128, 127, -128])
  }

  /// Against the formula in exact integer and float steps, for every place of the scales.
  @Test(
    "Every integer type, per tensor, axis and block",
    arguments: [ElementType.uint8, .int8, .uint16, .int16, .uint4, .int4, .uint2, .int2])
  func roundTrip(type: ElementType) throws {
    let range = try #require(type.integerRange)
    let shape = [2, 5, 3]
    let x = (0..<30).map { Float($0 * 37 % 61 - 30) * 0.37 }
    let zero = type.bitWidth < 8 ? 1 : 3
    // Axis, block size, shape of the scales, index of the scale of an element.
    let layouts: [(Int, Int, [Int], (Int) -> Int)] = [
      (1, 0, [], { _ in 0 }),
      (1, 0, [5], { $0 / 3 % 5 }),
      (2, 0, [3], { $0 % 3 }),
      (1, 2, [2, 3, 3], { $0 / 15 * 9 + $0 / 3 % 5 / 2 * 3 + $0 % 3 }),
      (2, 2, [2, 5, 2], { $0 / 3 * 2 + $0 % 3 / 2 }),
    ]
    for (axis, block, scaleShape, place) in layouts {
      let count = Tensor.count(of: scaleShape)
      let s = (0..<count).map { 0.25 + Float($0) * 0.11 }
      let zeros = try #require(
        Tensor(
          integers: Array(repeating: zero, count: count), elementType: type, shape: scaleShape))
      let attributes = [Attribute("axis", .int(axis)), Attribute("block_size", .int(block))]
      let q = try runNode(
        "QuantizeLinear", [Tensor(x, shape: shape), scales(s, scaleShape), zeros], attributes)[0]
      let expected = x.indices.map { index -> Int in
        let rounded = Int((x[index] / s[place(index)]).rounded(.toNearestOrEven)) + zero
        return min(max(rounded, range.lowerBound), range.upperBound)
      }
      #expect(q.elementType == type)
      #expect(q.integers() == expected)
      let back = try runNode("DequantizeLinear", [q, scales(s, scaleShape), zeros], attributes)[0]
      #expect(
        back.elements(of: Float.self)
          == expected.indices.map { Float(expected[$0] - zero) * s[place($0)] })
    }
  }

  @Test func types() throws {
    let x = Tensor([Float(1), 2], shape: [2])
    let y = try runNode(
      "QuantizeLinear", [x, Tensor(scalar: Float(1))],
      [Attribute("output_dtype", .int(Int(ElementType.int4.rawValue)))])[0]
    #expect(y.elementType == .int4)
    #expect(throws: RuntimeError.self) {
      try runNode(
        "QuantizeLinear", [x, Tensor(scalar: Float(1))],
        [Attribute("output_dtype", .int(Int(ElementType.int64.rawValue)))])
    }
  }
}
