import GraphIR
import Tensors
import TestSupport
import Testing

@testable import IntegerRuntime

/// `Clip` on integers, as files with activations of fewer than 8 bits have it.
@Suite struct IntegerClipTests {
  /// The value quantized, cut off and dequantized; the names of the integers before and behind.
  private func clipped(
    _ value: String, _ type: ElementType, to limits: ClosedRange<Int>, _ parameters: [String],
    in builder: inout LayerBuilder
  ) throws -> (whole: String, clipped: String, real: String) {
    let whole = builder.node("QuantizeLinear", [value] + parameters)
    let ends = try [limits.lowerBound, limits.upperBound].map {
      try builder.constant([$0], type, [])
    }
    let cut = builder.node("Clip", [whole] + ends)
    return (whole, cut, builder.node("DequantizeLinear", [cut] + parameters))
  }

  private func steps(_ builder: LayerBuilder, _ shapes: [String: [Int]]) throws -> [String] {
    try IntegerEngine(model: builder.model).outline(inputShapes: shapes).steps.map(\.kernel)
  }

  @Test(arguments: [(ElementType.uint8, 90...170), (.int8, -30...25)])
  func becomesTheLimitsOfEveryKindOfStep(type: ElementType, limits: ClosedRange<Int>) throws {
    var builder = LayerBuilder(seed: 4)
    let shape = [2, 6, 8, 8]
    builder.input("x", shape: shape)
    let parameters = try (0..<3).map { _ in try builder.parameters(type) }
    let x = try clipped("x", type, to: limits, parameters[0], in: &builder).real
    let weights = try builder.constant(
      builder.integers(-128...127, 6 * 6 * 9), .int8, [6, 6, 3, 3])
    let w = builder.node(
      "DequantizeLinear", [weights, builder.constant(Tensor(scalar: Float(0.004)))])
    let convolved = builder.node("Conv", [x, w], [Attribute("pads", .ints([1, 1, 1, 1]))])
    let y = try clipped(convolved, type, to: limits, parameters[1], in: &builder).real
    let sum = builder.node("Add", [x, y])
    let s = try clipped(sum, type, to: limits, parameters[2], in: &builder).real
    let pooled = builder.node("MaxPool", [s], [Attribute("kernel_shape", .ints([2, 2]))])
    let m = try clipped(pooled, type, to: limits, parameters[2], in: &builder).real
    let joined = builder.node("Concat", [m, m], [Attribute("axis", .int(1))])
    let j = try clipped(joined, type, to: limits, parameters[1], in: &builder).real
    let average = builder.node("GlobalAveragePool", [j])
    builder.output(try clipped(average, type, to: limits, parameters[0], in: &builder).real)
    try expectEqual(builder, inputs: ["x": shape], integerShare: true)
    let kernels = try steps(builder, ["x": shape])
    #expect(!kernels.contains { $0.hasPrefix("float") })
    // Of the concatenation, which has other parameters than its parts.
    #expect(kernels.count { $0.hasPrefix("lookup") } <= 2)
  }

  @Test func readersOfTheWholeIntegersKeepThem() throws {
    var builder = LayerBuilder(seed: 8)
    builder.input("x", shape: [3, 40])
    let parameters = try builder.parameters(.uint8)
    let (whole, cut, real) = try clipped("x", .uint8, to: 100...140, parameters, in: &builder)
    builder.output(builder.node("DequantizeLinear", [whole] + parameters))
    builder.output(real)
    builder.output(cut)
    try expectEqual(builder, inputs: ["x": [3, 40]])
  }

  @Test func workOfLayersSaysTheWidthOfWhatTheyRead() throws {
    for bits in [4, 7] {
      var builder = LayerBuilder(seed: 6)
      builder.input("x", shape: [1, 16])
      let zero = try builder.constant([3], .uint8, [])
      let parameters = [builder.constant(Tensor(scalar: Float(0.25))), zero]
      let x = try clipped(
        "x", .uint8, to: 0...(1 << bits) - 1, parameters, in: &builder
      ).real
      let weights = try builder.constant(builder.integers(-128...127, 16 * 8), .int8, [16, 8])
      let w = builder.node(
        "DequantizeLinear", [weights, builder.constant(Tensor(scalar: Float(0.01)))])
      builder.output(try builder.requantized(builder.node("MatMul", [x, w])))
      let works = try IntegerEngine(model: builder.model).footprint(inputShapes: ["x": [1, 16]])
        .steps.flatMap(\.workloads).filter { $0.weightBits > 0 }
      #expect(works.map(\.activationBits) == [bits])
    }
  }
}
