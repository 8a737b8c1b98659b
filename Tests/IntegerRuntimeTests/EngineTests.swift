import FloatRuntime
import GraphIR
import Tensors
import TestSupport
import Testing

@testable import IntegerRuntime

/// The integer engine gives the bits of the float engine, which computes the same arithmetic with
/// exact sums in float32.
@Suite struct EngineTests {
  struct Convolution: Sendable, CustomTestStringConvertible {
    var input: [Int]
    var outputs: Int
    var kernel: [Int]
    var stride = 1
    var dilation = 1
    var pad = 0
    var groups = 1
    var bits = 8
    var type = ElementType.uint8
    /// Of every 16 output channels, in the place of `bits`.
    var groupBits: [Int] = []

    var testDescription: String {
      "\(input) -> \(outputs) k\(kernel) s\(stride) d\(dilation) p\(pad) g\(groups) "
        + "\(groupBits.isEmpty ? [bits] : groupBits) bits \(type)"
    }
  }

  static let convolutions: [Convolution] =
    (2...8).map {
      Convolution(input: [2, 5, 9, 11], outputs: 19, kernel: [3, 3], pad: 1, bits: $0)
    } + [
      Convolution(input: [1, 3, 17, 13], outputs: 64, kernel: [7, 7], stride: 2, pad: 3),
      Convolution(input: [3, 70, 7, 7], outputs: 130, kernel: [1, 1], type: .int8),
      Convolution(input: [1, 16, 8, 8], outputs: 33, kernel: [1, 1], stride: 2),
      Convolution(input: [2, 8, 12, 10], outputs: 12, kernel: [3, 3], dilation: 2, pad: 2),
      Convolution(input: [2, 12, 9, 9], outputs: 6, kernel: [3, 3], pad: 1, groups: 3),
      Convolution(input: [2, 67, 9, 10], outputs: 67, kernel: [3, 3], pad: 1, groups: 67),
      Convolution(
        input: [2, 67, 9, 10], outputs: 67, kernel: [3, 3], pad: 1, groups: 67, bits: 3),
      Convolution(
        input: [1, 130, 8, 8], outputs: 130, kernel: [5, 5], pad: 2, groups: 130, bits: 5,
        type: .int8),
      Convolution(
        input: [1, 24, 11, 8], outputs: 24, kernel: [3, 3], stride: 2, pad: 1, groups: 24,
        type: .int8),
      Convolution(input: [2, 16, 9, 10], outputs: 16, kernel: [3, 3], pad: 1, groups: 16),
      Convolution(input: [1, 2, 7, 13], outputs: 2, kernel: [3, 3], pad: 1, groups: 2),
      Convolution(input: [1, 5, 10, 10], outputs: 5, kernel: [5, 5], pad: 2, groups: 5),
      Convolution(input: [1, 4, 6, 6], outputs: 8, kernel: [3, 3], pad: 1, groups: 4),
      Convolution(input: [2, 6, 31], outputs: 9, kernel: [5], stride: 2, pad: 2),
      Convolution(input: [1, 2, 3, 3], outputs: 1, kernel: [3, 3]),
      Convolution(
        input: [2, 20, 9, 7], outputs: 48, kernel: [3, 3], pad: 1, groupBits: [3, 3, 8]),
      Convolution(
        input: [1, 33, 20, 20], outputs: 90, kernel: [1, 1], groupBits: [2, 4, 4, 2, 5, 5]),
    ]

  @Test(arguments: convolutions)
  func convolutionsEqualTheFloatEngine(layer: Convolution) throws {
    var builder = LayerBuilder(seed: UInt64(layer.testDescription.utf8.reduce(0) { $0 &+ Int($1) }))
    builder.input("x", shape: layer.input)
    let x = try builder.requantized("x", layer.type)
    let convolved = try convolution(layer, of: x, in: &builder)
    builder.output(try builder.requantized(convolved, layer.type))
    try expectEqual(builder, inputs: ["x": layer.input], integerShare: true)
  }

  /// A convolution whose weights use all of the layer's bits, between dequantized values.
  private func convolution(
    _ layer: Convolution, of x: String, in builder: inout LayerBuilder
  ) throws -> String {
    let shape = [layer.outputs, layer.input[1] / layer.groups] + layer.kernel
    let inner = Tensor.count(of: Array(shape[1...]))
    let integers = (0..<layer.outputs).flatMap { channel in
      let limit = 1 << ((layer.groupBits.isEmpty ? layer.bits : layer.groupBits[channel / 16]) - 1)
      return builder.integers(-limit...limit - 1, inner)
    }
    let weights = try builder.constant(integers, .int8, shape)
    let scales = builder.constant(
      Tensor((0..<layer.outputs).map { _ in builder.scale() / 50 }, shape: [layer.outputs]))
    let zeros = try builder.constant(
      Array(repeating: 0, count: layer.outputs), .int8, [layer.outputs])
    let w = builder.node(
      "DequantizeLinear", [weights, scales, zeros], [Attribute("axis", .int(0))])
    let rank = layer.kernel.count
    return builder.node(
      "Conv", [x, w],
      [
        Attribute("kernel_shape", .ints(layer.kernel)), Attribute("group", .int(layer.groups)),
        Attribute("strides", .ints(Array(repeating: layer.stride, count: rank))),
        Attribute("dilations", .ints(Array(repeating: layer.dilation, count: rank))),
        Attribute("pads", .ints(Array(repeating: layer.pad, count: 2 * rank))),
      ])
  }

  /// Channels that need fewer bits are packed in fewer, of float results too.
  @Test(arguments: [true, false])
  func productsOfChannelGroupsEqualTheFloatEngine(isQuantized: Bool) throws {
    var builder = LayerBuilder(seed: 3)
    builder.input("x", shape: [5, 40])
    let x = try builder.requantized("x")
    let widths = [6, 6, 3, 3, 3]
    var integers: [Int] = []
    for _ in 0..<40 {
      for width in widths {
        integers += builder.integers(-(1 << (width - 1))...(1 << (width - 1)) - 1, 16)
      }
    }
    let weights = [
      try builder.constant(integers, .int8, [40, 80]),
      builder.constant(Tensor((0..<80).map { _ in builder.scale() / 20 }, shape: [80])),
      try builder.constant(Array(repeating: 0, count: 80), .int8, [80]),
    ]
    let product = builder.node(
      "MatMul", [x, builder.node("DequantizeLinear", weights, [Attribute("axis", .int(1))])])
    builder.output(isQuantized ? try builder.requantized(product) : product)
    try expectEqual(builder, inputs: ["x": [5, 40]], integerShare: true)
    let profile = try IntegerEngine(model: builder.model).profile(["x": builder.samples([5, 40])])
    let step = try #require(profile.steps.first { $0.kernel.hasPrefix("product") })
    #expect(step.kernel.contains("u8s3,u8s6"))
    #expect(step.workloads.map(\.weightBits) == [6, 3])
    #expect(step.workloads.map(\.columns) == [32, 48])
  }

  @Test func widthsThatHardlyDifferStayTogether() {
    func parts(_ widths: [Int]) -> [Int] {
      let integers = widths.flatMap { width in
        Array(repeating: Int8(-(1 << (width - 1))), count: 16 * 4)
      }
      return ProductWeights(
        integers: integers, columns: widths.count * 16, runCount: 1, runBytes: 4,
        bias: Array(repeating: 0, count: widths.count * 16),
        multipliers: Array(repeating: 1, count: widths.count * 16),
        offsets: Array(repeating: 0, count: widths.count * 16)
      ).byWidth.map(\.columns)
    }
    #expect(parts([4, 4, 4]) == [48])
    #expect(parts([3, 3, 8]) == [32, 16])
    #expect(parts([8, 8, 8, 8, 7]) == [80])
    #expect(parts(Array(repeating: [2, 8], count: 5).flatMap(\.self)) == [160])
  }

  @Test(arguments: [ElementType.uint8, .int8], ["Add", "Mul"])
  func arithmeticEqualsTheFloatEngine(type: ElementType, op: String) throws {
    var builder = LayerBuilder(seed: 7)
    let shape = [2, 19, 5, 7]
    builder.input("a", shape: shape)
    builder.input("b", shape: shape)
    let a = try builder.requantized("a", type)
    let b = try builder.requantized("b", type)
    let relu = builder.node("Relu", [builder.node(op, [a, b])])
    let sum = try builder.requantized(relu, type)
    let layer = Convolution(input: shape, outputs: 6, kernel: [3, 3], pad: 1)
    builder.output(try builder.requantized(try convolution(layer, of: sum, in: &builder)))
    try expectEqual(builder, inputs: ["a": shape, "b": shape])
  }

  /// Pooling, movement, tables and concatenation between two convolutions.
  @Test(arguments: [ElementType.uint8, .int8])
  func everythingBetweenConvolutionsEqualsTheFloatEngine(type: ElementType) throws {
    var builder = LayerBuilder(seed: 11)
    let shape = [2, 6, 10, 12]
    builder.input("x", shape: shape)
    let first = Convolution(input: shape, outputs: 16, kernel: [3, 3], pad: 1, type: type)
    let parameters = try builder.parameters(type)
    func quantize(_ value: String, _ builder: inout LayerBuilder) -> String {
      builder.node(
        "DequantizeLinear", [builder.node("QuantizeLinear", [value] + parameters)] + parameters)
    }
    let x = try builder.requantized("x", type)
    let y = quantize(try convolution(first, of: x, in: &builder), &builder)
    let pooled = quantize(
      builder.node(
        "MaxPool", [y],
        [
          Attribute("kernel_shape", .ints([3, 3])), Attribute("strides", .ints([2, 2])),
          Attribute("pads", .ints([1, 1, 1, 1])),
        ]), &builder)
    let swish = try builder.requantized(builder.node("HardSwish", [pooled]), type)
    let turned = quantize(
      builder.node("Transpose", [pooled], [Attribute("perm", .ints([0, 1, 3, 2]))]), &builder)
    let back = quantize(
      builder.node("Transpose", [turned], [Attribute("perm", .ints([0, 1, 3, 2]))]), &builder)
    let joined = try builder.requantized(
      builder.node("Concat", [swish, back], [Attribute("axis", .int(1))]), type)
    let second = Convolution(
      input: [2, 32, 5, 6], outputs: 10, kernel: [3, 3], pad: 1, groups: 2, type: type)
    let z = try builder.requantized(try convolution(second, of: joined, in: &builder), type)
    let averaged = try builder.requantized(builder.node("GlobalAveragePool", [z]), type)
    builder.output(builder.node("Softmax", [builder.node("Flatten", [averaged])]))
    builder.output(turned)
    try expectEqual(builder, inputs: ["x": shape])
  }

  @Test(arguments: [ElementType.uint8, .int8], [true, false])
  func productsEqualTheFloatEngine(type: ElementType, isQuantized: Bool) throws {
    var builder = LayerBuilder(seed: 3)
    let shape = [2, 9, 37]
    builder.input("x", shape: shape)
    let x = try builder.requantized("x", type)
    let weights = try builder.constant(builder.integers(-8...7, 37 * 70), .int8, [37, 70])
    let scales = builder.constant(Tensor((0..<70).map { _ in builder.scale() }, shape: [70]))
    let zeros = try builder.constant(Array(repeating: 0, count: 70), .int8, [70])
    let w = builder.node(
      "DequantizeLinear", [weights, scales, zeros], [Attribute("axis", .int(1))])
    let y = builder.node("MatMul", [x, w])
    let bias = builder.constant(Tensor((0..<70).map(Float.init), shape: [70]))
    builder.output(
      isQuantized ? try builder.requantized(y, type) : builder.node("Add", [y, bias]))
    try expectEqual(builder, inputs: ["x": shape], integerShare: true)
  }

  /// Unsigned weights about a zero point reach beyond int8.
  @Test(arguments: [0, 3, 128, 255])
  func weightsAboutZeroPointsEqualTheFloatEngine(zero: Int) throws {
    var builder = LayerBuilder(seed: UInt64(zero))
    builder.input("x", shape: [1, 5, 6, 6])
    let x = try builder.parameters(.uint8)
    let quantized = builder.node("QuantizeLinear", ["x"] + x)
    let weights = try builder.constant(builder.integers(0...255, 8 * 5 * 9), .uint8, [8, 5, 3, 3])
    let scale = builder.constant(Tensor(scalar: Float(0.001)))
    let y = try builder.parameters(.uint8)
    let result = builder.node(
      "QLinearConv",
      [quantized] + x + [weights, scale, try builder.constant([zero], .uint8, [])] + y)
    builder.output(builder.node("DequantizeLinear", [result] + y))
    try expectEqual(builder, inputs: ["x": [1, 5, 6, 6]], integerShare: true)
  }
}
