import GraphIR
import Parallelism
import Quantization
import Tensors
import Testing

@testable import Lowering

struct WeightOnlyTests {
  private static let pool = WorkerPool(threadCount: 1)

  private static var network: Model {
    var net = GraphBuilder(inputs: [("x", [4, 64])])
    net.weight("v", [64, 12])
    net.weight("b", [12])
    net.node("Gemm", ["x", "v", "b"], to: "a")
    net.node("Relu", ["a"], to: "r")
    net.weight("w", [12, 6])
    net.node("MatMul", ["r", "w"], to: "y")
    net.output("y")
    return net.model
  }

  private static func made(
    _ model: Model, bits: Int, block: Int
  ) throws -> (plan: QuantizationPlan, weights: [String: QuantizedWeight]) {
    var plan = QuantizationPlan(storage: .cast, layers: [], activations: [:])
    var weights: [String: QuantizedWeight] = [:]
    for layer in try QuantizationSites.analyze(model).layers {
      let weight = try #require(model.graph.initializers[layer.weight])
      let rows = try WeightRows(
        weight, named: layer.weight, axis: layer.axis, block: layer.op == "Conv" ? nil : block)
      weights[layer.weight] = WeightQuantizer(bits: bits).quantize(rows, pool: pool)
      plan.layers.append(
        .init(
          name: layer.name, op: layer.op, weight: layer.weight, axis: layer.axis,
          weightBits: bits, block: rows.blocks > 1 ? rows.block : nil))
    }
    return (plan, weights)
  }

  @Test(arguments: [(2, 25), (3, 21), (4, 21), (6, 21), (8, 21)])
  func weightsGoStraightIntoDequantizeLinear(bits: Int, opset: Int) throws {
    let (plan, weights) = try Self.made(Self.network, bits: bits, block: 16)
    let lowered = try Lowering.lower(Self.network, plan: plan, weights: weights)
    #expect(lowered.opset == opset)
    #expect(
      lowered.graph.nodes.map(\.op).sorted() == [
        "DequantizeLinear", "DequantizeLinear", "Gemm", "MatMul", "Max",
      ])
    let first = try #require(lowered.graph.nodes.first { $0.outputs == ["v"] })
    #expect(try first.int("block_size") == 16)
    #expect(try first.int("axis") == 0)
    #expect(lowered.graph.initializers["v_scale"]?.shape == [4, 12])
    // A depth of 12 is no whole number of blocks: one scale a channel. With 6 channels, ONNX Runtime
    // computes products of INT2 wrongly.
    #expect(lowered.graph.initializers["w_scale"]?.shape == [6])
    #expect(
      lowered.graph.initializers["w_quantized"]?.elementType == (bits <= 4 ? .int4 : .int8))
    #expect(
      lowered.graph.initializers["v_quantized"]?.elementType
        == (bits == 2 ? .int2 : bits <= 4 ? .int4 : .int8))
    #expect(lowered.graph.initializers["b"]?.elementType == .float32)
    let report = try LoweringVerification.verify(lowered, against: plan)
    #expect(report.layers.map(\.kernel) == ["MatMulNBits", "MatMulNBits"])
    #expect(report.integerMACs == 0)
  }

  /// What a block's scales are in the file: `[blocks, channels]`, in the order of the depth.
  @Test func scalesStandAtTheirBlocks() throws {
    let (plan, weights) = try Self.made(Self.network, bits: 4, block: 32)
    let lowered = try Lowering.lower(Self.network, plan: plan, weights: weights)
    let stored = try #require(lowered.graph.initializers["v_scale"]).elements(of: Float.self)
    let scales = try #require(weights["v"]).scales
    for channel in 0..<12 {
      for block in 0..<2 { #expect(stored[block * 12 + channel] == scales[channel * 2 + block]) }
    }
  }

  @Test func blocksHaveThePlansSize() throws {
    let model = Self.network
    var (plan, weights) = try Self.made(model, bits: 4, block: 32)
    plan.layers[0].block = 16
    #expect(throws: LoweringError.self) {
      try Lowering.lower(model, plan: plan, weights: weights)
    }
    plan.layers[0].block = 32
    let lowered = try Lowering.lower(model, plan: plan, weights: weights)
    var other = lowered
    for position in other.graph.nodes.indices where other.graph.nodes[position].outputs == ["v"] {
      other.graph.nodes[position].attributes = [
        Attribute("axis", .int(0)), Attribute("block_size", .int(16)),
      ]
    }
    #expect(throws: VerificationError.self) {
      try LoweringVerification.verify(other, against: plan)
    }
  }

  /// Beside quantized inputs blocks lie in INT4, straight before `DequantizeLinear`, and their biases stay
  /// float; wider ones are refused.
  @Test(arguments: [3, 4, 5]) func blocksBesideQuantizedInputsAreNarrow(bits: Int) throws {
    let model = Self.network
    var (plan, weights) = try Self.made(model, bits: bits, block: 32)
    plan.activations = try HandMadePlan(model).plan.activations
    guard bits <= Lowering.widestBlocks else {
      #expect(throws: LoweringError.self) {
        try Lowering.lower(model, plan: plan, weights: weights)
      }
      return
    }
    let lowered = try Lowering.lower(model, plan: plan, weights: weights)
    #expect(lowered.graph.initializers["v_quantized"]?.elementType == .int4)
    #expect(lowered.graph.initializers["b"]?.elementType == .float32)
    let report = try LoweringVerification.verify(lowered, against: plan)
    let first = try #require(report.layers.first)
    #expect(first.kernel == plan.layers[0].op && first.reason != nil)
  }

  @Test func gemmWeightsAreStoredInTheOrderOfProducts() throws {
    var net = GraphBuilder(inputs: [("x", [2, 3])])
    net.constant("w", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))
    net.constant("shared", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))
    net.node("Gemm", ["x", "w"], to: "a", ["transB": .int(1)])
    net.node("Gemm", ["a", "shared"], to: "b", ["transB": .int(1)])
    net.node("Gemm", ["b", "shared"], to: "y", ["transB": .int(1)])
    net.output("y")
    let changed = try net.model.applying([.untransposeGemmWeights])
    #expect(
      changed.graph.initializers["w"] == Tensor([1, 4, 2, 5, 3, 6] as [Float], shape: [3, 2]))
    #expect(try changed.graph.nodes.map { try $0.int("transB") ?? 0 } == [0, 1, 1])
  }

  /// A subgraph that reads the weight reads it as it was.
  @Test func gemmWeightsThatSubgraphsReadStay() throws {
    var net = GraphBuilder(inputs: [("x", [2, 3])])
    net.constant("w", Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]))
    net.constant("yes", Tensor([true], shape: []))
    net.node("Gemm", ["x", "w"], to: "y", ["transB": .int(1)])
    var branch = Graph(name: "branch")
    branch.nodes = [Node(name: "inner", op: "Identity", inputs: ["w"], outputs: ["z"])]
    branch.outputs = [ValueInfo(name: "z", type: nil)]
    net.node(
      "If", ["yes"], to: "c", ["then_branch": .graph(branch), "else_branch": .graph(branch)])
    net.output("y")
    let changed = try net.model.applying([.untransposeGemmWeights])
    #expect(changed.graph.initializers["w"] == net.model.graph.initializers["w"])
    #expect(try changed.graph.nodes[0].int("transB") == 1)
  }
}
