import FloatRuntime
import GraphIR
import Tensors
import TestSupport
import Testing

@testable import IntegerRuntime

/// Products of two values that are both computed.
@Suite struct ActivationProductTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var left: [Int]
    var right: [Int]
    var types: [ElementType] = [.uint8, .uint8]
    /// The result is quantized.
    var isQuantized = true

    var testDescription: String {
      "\(left) by \(right), \(types)\(isQuantized ? "" : ", float result")"
    }
  }

  static let cases: [Case] = [
    Case(left: [3, 5], right: [5, 7]),
    Case(left: [2, 3, 17, 9], right: [2, 3, 9, 70]),
    Case(left: [2, 3, 17, 9], right: [2, 3, 9, 70], isQuantized: false),
    Case(left: [1, 3, 40, 64], right: [64, 33], types: [.uint8, .int8]),
    Case(left: [130, 65], right: [4, 65, 17], types: [.int8, .int8]),
    Case(left: [2, 1, 6, 5], right: [3, 5, 4], types: [.int8, .int8], isQuantized: false),
    Case(left: [2, 90, 120], right: [2, 120, 200], isQuantized: false),
  ]

  @Test(arguments: cases) func equalTheFloatEngine(product: Case) throws {
    var builder = LayerBuilder(seed: UInt64(product.left.count * 100 + product.right[0]))
    builder.input("x", shape: product.left)
    builder.input("y", shape: product.right)
    let x = try builder.requantized("x", product.types[0])
    let y = try centered("y", product.types[1], in: &builder)
    let result = builder.node("MatMul", [x, y])
    builder.output(
      product.isQuantized ? try builder.requantized(result, product.types[0]) : result)
    try expectEqual(
      builder, inputs: ["x": product.left, "y": product.right], integerShare: true)
  }

  /// An attention whose heads lie side by side: what is transposed is read where it lies.
  @Test(arguments: [[0, 2, 3, 1], [0, 2, 1, 3]]) func heads(order: [Int]) throws {
    var builder = LayerBuilder(seed: 5)
    builder.input("x", shape: [2, 12, 24])
    let heads = builder.constant(Tensor([2, 12, 3, 8] as [Int64], shape: [4]))
    func split(_ x: String, _ parameters: [String], _ order: [Int]) -> String {
      func again(_ value: String) -> String {
        builder.node(
          "DequantizeLinear", [builder.node("QuantizeLinear", [value] + parameters)] + parameters)
      }
      let parts = again(builder.node("Reshape", [again(x), heads]))
      return again(
        builder.node("Transpose", [parts], [Attribute("perm", .ints(order))]))
    }
    let middle = [
      builder.constant(Tensor(scalar: Float(0.04))), builder.constant(Tensor(scalar: UInt8(128))),
    ]
    let queries = split("x", try builder.parameters(.uint8), [0, 2, 1, 3])
    var keys = split("x", middle, order)
    if order != [0, 2, 3, 1] {
      keys = builder.node("Transpose", [keys], [Attribute("perm", .ints([0, 1, 3, 2]))])
      keys = builder.node(
        "DequantizeLinear", [builder.node("QuantizeLinear", [keys] + middle)] + middle)
    }
    let scores = builder.node("MatMul", [queries, keys])
    let factor = builder.constant(Tensor(scalar: Float(0.25)))
    let weights = builder.node("Softmax", [builder.node("Mul", [scores, factor])])
    let parameters = [
      builder.constant(Tensor(scalar: Float(1) / 255)), builder.constant(Tensor(scalar: UInt8(0))),
    ]
    let quantized = builder.node(
      "DequantizeLinear", [builder.node("QuantizeLinear", [weights] + parameters)] + parameters)
    let mixed = builder.node("MatMul", [quantized, split("x", middle, [0, 2, 1, 3])])
    builder.output(try builder.requantized(mixed))
    try expectEqual(builder, inputs: ["x": [2, 12, 24]], integerShare: true)
    let steps = try IntegerEngine(model: builder.model).profile(["x": builder.samples([2, 12, 24])])
      .steps.map(\.kernel)
    #expect(steps.count { $0.hasPrefix("product u8u8") } == 2)
    #expect(!steps.contains { $0.hasPrefix("move") })
  }

  /// A right-hand side that would need a correction for each row runs in float, with the same bits.
  @Test func otherZeroPoints() throws {
    var builder = LayerBuilder(seed: 9)
    builder.input("x", shape: [4, 6])
    builder.input("y", shape: [6, 5])
    let x = try builder.requantized("x")
    let zero = builder.constant(Tensor(scalar: UInt8(127)))
    let parameters = [builder.constant(Tensor(scalar: Float(0.03))), zero]
    let y = builder.node(
      "DequantizeLinear", [builder.node("QuantizeLinear", ["y"] + parameters)] + parameters)
    builder.output(try builder.requantized(builder.node("MatMul", [x, y])))
    try expectEqual(builder, inputs: ["x": [4, 6], "y": [6, 5]])
    let kernels = try IntegerEngine(model: builder.model)
      .profile(["x": builder.samples([4, 6]), "y": builder.samples([6, 5])]).steps.map(\.kernel)
    #expect(!kernels.contains { $0.hasPrefix("product") })
  }

  private func centered(
    _ value: String, _ type: ElementType, in builder: inout LayerBuilder
  ) throws -> String {
    let parameters = [
      builder.constant(Tensor(scalar: builder.scale())),
      try builder.constant([type == .int8 ? 0 : 128], type, []),
    ]
    return builder.node(
      "DequantizeLinear", [builder.node("QuantizeLinear", [value] + parameters)] + parameters)
  }
}
