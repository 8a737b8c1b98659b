import Foundation
import Tensors
import Testing

@testable import GraphIR

@Suite struct StatisticsTests {
  @Test func convolutionsCountTheirWindows() throws {
    let statistics = try GraphStatistics(
      model(
        opset: 17, inputs: [float("x", [.symbolic("N"), .fixed(4), .fixed(8), .fixed(8)])],
        outputs: ["y"],
        initializers: [
          "w": Tensor([Float](repeating: 1, count: 6 * 2 * 9), shape: [6, 2, 3, 3]),
          "v": Tensor([Float](repeating: 1, count: 6 * 5), shape: [6, 5]),
        ],
        nodes: [
          node("Conv", ["x", "w"], ["a"], ["group": .int(2), "strides": .ints([2, 2])]),
          node("Relu", ["a"], ["b"]), node("GlobalAveragePool", ["b"], ["c"]),
          node("Flatten", ["c"], ["d"]), node("Gemm", ["d", "v"], ["y"]),
        ]))
    #expect(statistics.operators["Conv"] == 1)
    #expect(statistics.layers.map(\.macs) == [6 * 3 * 3 * 2 * 9, 30])
    #expect(statistics.layers.map(\.weightBytes) == [432, 120])
    #expect(statistics.layers.map(\.outputShape) == [[1, 6, 3, 3], [1, 5]])
    #expect(statistics.macs == 972 + 30)
    #expect(statistics.weightBytes == 552)
    // The input and the convolution's result.
    #expect(statistics.peakRAMBytes == 4 * (4 * 64 + 54))
  }

  /// Integers count at their own width, and floats between quantizers not at all.
  @Test func quantizedActivationsCountAsIntegers() throws {
    let scalars: [String: Tensor] = [
      "s": Tensor(scalar: Float(0.1)), "z": Tensor(scalar: UInt8(0)),
      "ws": Tensor(scalar: Float(0.1)),
      "w": Tensor(integers: Array(repeating: 1, count: 64), elementType: .int4, shape: [8, 8])
        ?? Tensor(scalar: Float(0)),
    ]
    let statistics = try GraphStatistics(
      model(
        opset: 21, inputs: [float("x", fixed(1, 8))], outputs: ["y"], initializers: scalars,
        nodes: [
          node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
          node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
          node("Cast", ["w"], ["w8"], ["to": .int(3)]),
          node("DequantizeLinear", ["w8", "ws"], ["wd"]),
          node("MatMul", ["xd", "wd"], ["a"]), node("Relu", ["a"], ["b"]),
          node("QuantizeLinear", ["b", "s", "z"], ["bq"]),
          node("DequantizeLinear", ["bq", "s", "z"], ["y"]),
        ]))
    #expect(statistics.layers.map(\.macs) == [64])
    #expect(statistics.layers.map(\.weightBytes) == [32 + 4])
    // Input as float and its integers.
    #expect(statistics.peakRAMBytes == 8 * 4 + 8)
  }

  /// A length of 1 is too short for the window; the length is left open then.
  @Test func dimensionsThatCannotBeOneStayOpen() throws {
    let statistics = try GraphStatistics(
      model(
        opset: 17, inputs: [float("x", [.fixed(1), .fixed(1), .symbolic("L")])], outputs: ["y"],
        initializers: ["w": Tensor([Float](repeating: 1, count: 4), shape: [1, 1, 4])],
        nodes: [node("Conv", ["x", "w"], ["y"])]))
    #expect(statistics.layers.map(\.macs) == [nil])
    #expect(statistics.layers.map(\.weightBytes) == [16])
  }

  @Test func generatedWeightsAreNoActivations() throws {
    let statistics = try GraphStatistics(
      model(
        opset: 17, inputs: [float("x", fixed(1, 4))], outputs: ["y"],
        initializers: ["shape": ints(4, 100)],
        nodes: [
          node("ConstantOfShape", ["shape"], ["w"]), node("MatMul", ["x", "w"], ["y"]),
        ]))
    #expect(statistics.peakRAMBytes == 4 * (4 + 100))
  }

  @Test func residualsStayAlive() throws {
    let statistics = try GraphStatistics(
      model(
        opset: 17, inputs: [float("x", fixed(10))], outputs: ["y"],
        nodes: [
          node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["c"]),
          node("Add", ["a", "c"], ["y"]),
        ]))
    #expect(statistics.peakRAMBytes == 3 * 40)
  }

  @Test func reportsInJSON() throws {
    let statistics = try GraphStatistics(
      model(
        opset: 17, inputs: [float("x", fixed(2, 3))], outputs: ["y"],
        initializers: ["w": Tensor([Float](repeating: 1, count: 12), shape: [3, 4])],
        nodes: [node("MatMul", ["x", "w"], ["y"])]))
    let data = try JSONEncoder().encode(statistics)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains("\"peak_ram_bytes\":56"))
    #expect(try JSONDecoder().decode(GraphStatistics.self, from: data) == statistics)
  }
}
