import FloatRuntime
import GraphIR
import Tensors
import TestSupport
import Testing

@testable import IntegerRuntime

/// Products of weights that have a scale for each block of their depth.
@Suite struct BlockedProductTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var op = "MatMul"
    var rows = 5
    var depth = 64
    var columns = 19
    var block = 16
    var type = ElementType.int4
    /// Nil for float activations.
    var activations: ElementType? = .uint8
    var hasZeros = false

    var testDescription: String {
      "\(op) \(rows)x\(depth)x\(columns) block \(block) \(type) of "
        + "\(activations.map { "\($0)" } ?? "float")\(hasZeros ? ", zero points" : "")"
    }
  }

  static let cases: [Case] = [
    Case(), Case(activations: .int8), Case(activations: nil),
    Case(rows: 40, depth: 100, columns: 70, block: 32, type: .uint4, hasZeros: true),
    Case(
      rows: 40, depth: 100, columns: 70, block: 32, type: .uint4, activations: nil, hasZeros: true),
    Case(op: "Gemm", rows: 3, depth: 52, block: 20), Case(op: "Gemm", activations: nil),
    Case(rows: 1, depth: 300, columns: 65, block: 256, type: .int8),
    Case(rows: 2, depth: 36, columns: 33, block: 4, type: .int2),
  ]

  @Test(arguments: cases) func equalTheFloatEngine(product: Case) throws {
    let (builder, shape) = try model(product)
    try expectEqual(
      builder, inputs: ["x": shape], integerShare: product.activations != nil)
  }

  @Test(arguments: cases) func staysPackedInMemory(product: Case) throws {
    var (builder, shape) = try model(product)
    let engine = try IntegerEngine(model: builder.model)
    let profile = try engine.profile(["x": builder.samples(shape)])
    let step = try #require(profile.steps.first { $0.kernel.hasPrefix("blocked") })
    let bits = product.hasZeros ? 5 : product.type.bitWidth
    let prefix = product.activations == nil ? "f32" : "u8"
    #expect(step.kernel.hasPrefix("blocked \(prefix)s\(bits) "))
    // Columns are filled up to whole lanes, at most 64.
    let columns = (product.columns + 63) / 64 * 64
    let blocks = (product.depth + product.block - 1) / product.block
    #expect(profile.weightBytes <= columns * (product.depth * bits / 8 + 4 * blocks + 4) + 512)
  }

  /// Blocks that the kernel cannot take run in float.
  @Test(arguments: [6, 320]) func otherBlocksRunInFloat(block: Int) throws {
    var (builder, shape) = try model(Case(depth: 640, block: block, type: .int8))
    let feed = ["x": builder.samples(shape)]
    let engine = try IntegerEngine(model: builder.model)
    let expected = try FloatEngine(model: builder.model).run(feed.mapValues { .tensor($0) })
    let found = try engine.run(feed)
    for (name, value) in expected {
      guard case .tensor(let tensor) = value else { continue }
      #expect(found[name] == tensor)
    }
    #expect(try !engine.profile(feed).steps.contains { $0.kernel.hasPrefix("blocked") })
  }

  private func model(_ product: Case) throws -> (LayerBuilder, [Int]) {
    var builder = LayerBuilder(seed: UInt64(product.depth * product.columns + product.block))
    let shape = [product.rows, product.depth]
    builder.input("x", shape: shape)
    let x = try product.activations.map { try builder.requantized("x", $0) } ?? "x"
    let isGemm = product.op == "Gemm"
    let blocks = (product.depth + product.block - 1) / product.block
    let (depth, columns) = (product.depth, product.columns)
    func shaped(_ rows: Int) -> [Int] { isGemm ? [columns, rows] : [rows, columns] }
    let range = try #require(product.type.integerRange)
    let weights = try builder.constant(
      builder.integers(range, depth * columns), product.type, shaped(depth))
    let scales = builder.constant(
      Tensor((0..<blocks * columns).map { _ in builder.scale() / 20 }, shape: shaped(blocks)))
    var inputs = [weights, scales]
    if product.hasZeros {
      inputs.append(
        try builder.constant(
          builder.integers(3...9, blocks * columns), product.type, shaped(blocks)))
    }
    let w = builder.node(
      "DequantizeLinear", inputs,
      [Attribute("axis", .int(isGemm ? 1 : 0)), Attribute("block_size", .int(product.block))])
    guard isGemm else {
      let y = builder.node("MatMul", [x, w])
      builder.output(
        try product.activations.map { try builder.requantized(y, $0) } ?? y)
      return (builder, shape)
    }
    let bias = builder.constant(Tensor((0..<columns).map { Float($0) / 3 }, shape: [columns]))
    builder.output(builder.node("Gemm", [x, w, bias], [Attribute("transB", .int(1))]))
    return (builder, shape)
  }
}
