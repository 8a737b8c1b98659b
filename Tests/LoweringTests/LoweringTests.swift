import GraphIR
import Quantization
import Tensors
import Testing

@testable import Lowering

struct LoweringTests {
  static func smallNetwork(opset: Int = 13) -> GraphBuilder {
    var net = GraphBuilder(opset: opset, inputs: [("x", [1, 3, 8, 8])])
    net.conv("x", (3, 5), to: "a")
    net.node("Relu", ["a"], to: "r")
    net.conv("r", (5, 5), group: 5, to: "b")
    net.node("Add", ["b", "r"], to: "s")
    net.node("GlobalAveragePool", ["s"], to: "g")
    net.node("Flatten", ["g"], to: "f")
    net.weight("fc.w", [7, 5])
    net.weight("fc.b", [7])
    net.node("Gemm", ["f", "fc.w", "fc.b"], to: "y", ["transB": .int(1)])
    net.output("y")
    return net
  }

  private func lower(_ model: Model, _ made: HandMadePlan) throws -> Model {
    try Lowering.lower(model, plan: made.plan, weights: made.weights)
  }

  @Test(arguments: [
    ([8], QuantizationPlan.Storage.cast, 13), ([4], .cast, 21), ([2, 4, 8], .cast, 25),
    ([3, 5, 6], .cast, 21), ([4, 8], .native, 21),
  ])
  func writtenGraphMatchesItsPlan(
    bits: [Int], storage: QuantizationPlan.Storage, opset: Int
  ) throws {
    let model = LoweringTests.smallNetwork().model
    let made = try HandMadePlan(model, bits: bits, storage: storage)
    let lowered = try lower(model, made)
    #expect(lowered.opset == opset)
    let report = try LoweringVerification.verify(
      lowered, against: made.plan, macs: ["a.node": 10, "b.node": 5, "y.node": 1, "other": 4])
    #expect(report.totalMACs == 20)
    #expect(report.integerMACs == (storage == .native ? 5 : 16))
    #expect(report.layers.map(\.name) == ["a.node", "b.node", "y.node"])
    #expect(lowered.graph.inputs == model.graph.inputs)
    #expect(lowered.graph.outputs == model.graph.outputs)
    let kept = lowered.graph.nodes.filter { node in
      model.graph.nodes.contains { $0.name == node.name }
    }
    #expect(kept.map(\.name) == model.graph.nodes.map(\.name))
  }

  @Test func sameInputGivesTheSameGraph() throws {
    let model = LoweringTests.smallNetwork().model
    let made = try HandMadePlan(model, bits: [2, 4, 8])
    #expect(try lower(model, made) == lower(model, made))
  }

  @Test func packsTheFirstElementIntoTheLowBits() throws {
    let integers = Tensor([1, -2, 7, -8, 3] as [Int8], shape: [5])
    let four = WeightEncoding.pack(integers, as: .int4)
    #expect(Array(four.storage.bytes) == [0xE1, 0x87, 0x03])
    #expect(four.integers() == [1, -2, 7, -8, 3])
    let two = WeightEncoding.pack(Tensor([1, -2, 0, -1, 1] as [Int8], shape: [5]), as: .int2)
    #expect(Array(two.storage.bytes) == [0b1100_1001, 0b01])
    #expect(two.integers() == [1, -2, 0, -1, 1])
  }

  @Test func biasIsRoundedToTheExactScale() throws {
    let model = LoweringTests.smallNetwork().model
    let made = try HandMadePlan(model)
    let lowered = try lower(model, made)
    let scales = try #require(lowered.graph.initializers["a.b_scale"]).elements(of: Float.self)
    let integers = try #require(lowered.graph.initializers["a.b_quantized"])
      .elements(of: Int32.self)
    let float = try #require(model.graph.initializers["a.b"]).elements(of: Float.self)
    let input = try #require(made.plan.activations["x"])
    let weight = try #require(made.weights["a.w"])
    for channel in float.indices {
      #expect(scales[channel] == input.scale * weight.scales[channel])
      #expect(abs(Float(integers[channel]) - float[channel] / scales[channel]) <= 0.5)
    }
  }

  /// Kernels of `bits`-wide weights see sums times `2^(8 - bits)`: the bias leaves room for that.
  @Test(arguments: [8, 6, 4, 3, 2])
  func tinyWeightsBesideALargeBiasGetACoarserScale(bits: Int) throws {
    var net = GraphBuilder(inputs: [("x", [1, 2, 4, 4])])
    net.constant("w", Tensor([1e-12, 1e-12, 0.5, 0.25] as [Float], shape: [2, 2, 1, 1]))
    net.constant("b", Tensor([3, 1] as [Float], shape: [2]))
    net.node("Conv", ["x", "w", "b"], to: "y")
    net.output("y")
    let made = try HandMadePlan(net.model, bits: [bits])
    let lowered = try lower(net.model, made)
    let scales = try #require(lowered.graph.initializers["b_scale"]).elements(of: Float.self)
    let integers = try #require(lowered.graph.initializers["b_quantized"]).elements(of: Int32.self)
    #expect(abs(Float(integers[0]) * scales[0] - 3) < 1e-6)
    #expect(Int(integers[0]) << (8 - bits) <= 1 << 30)
    #expect(lowered.graph.initializers["w_quantized"]?.integers()?.prefix(2) == [0, 0])
    #expect(try LoweringVerification.verify(lowered, against: made.plan).layers.count == 1)
  }

  @Test func sharedWeightIsStoredOnce() throws {
    var net = GraphBuilder(inputs: [("x", [4, 8])])
    net.weight("w", [8, 8])
    net.node("MatMul", ["x", "w"], to: "a")
    net.node("Relu", ["a"], to: "s")
    net.node("MatMul", ["s", "w"], to: "y")
    net.output("y")
    let made = try HandMadePlan(net.model, bits: [4])
    let lowered = try lower(net.model, made)
    #expect(lowered.graph.initializers.keys.filter { $0.hasPrefix("w") }.count == 3)
    let report = try LoweringVerification.verify(lowered, against: made.plan)
    #expect(report.layers.map(\.kernel) == ["QLinearMatMul", "MatMulIntegerToFloat"])
  }

  @Test func sharedBiasIsQuantizedForEachLayerAndThenDropped() throws {
    var net = GraphBuilder(inputs: [("x", [4, 8])])
    net.weight("v", [8, 8])
    net.weight("w", [8, 8])
    net.weight("b", [8])
    net.node("Gemm", ["x", "v", "b"], to: "a")
    net.node("MatMul", ["a", "w"], to: "m")
    net.node("Add", ["m", "b"], to: "y")
    net.output("y")
    let made = try HandMadePlan(net.model)
    let lowered = try lower(net.model, made)
    #expect(lowered.graph.initializers["b"] == nil)
    let biases = lowered.graph.initializers.values.filter { $0.elementType == .int32 }
    #expect(biases.count == 2)
    #expect(try LoweringVerification.verify(lowered, against: made.plan).layers.count == 2)
  }

  @Test func outputsKeepTheirNamesWhereTheyAreQuantized() throws {
    var net = GraphBuilder(inputs: [("x", [1, 4, 4, 4])])
    net.conv("x", (4, 4), to: "y")
    net.conv("y", (4, 4), to: "z")
    net.output("y")
    net.output("z")
    let lowered = try lower(net.model, HandMadePlan(net.model))
    #expect(lowered.graph.outputs.map(\.name) == ["y", "z"])
    let producers = lowered.graph.nodes.filter { ["y", "z"].contains($0.identity) }
    #expect(producers.map(\.op) == ["DequantizeLinear", "DequantizeLinear"])
  }

  @Test func layersOutsideThePlanStayFloat() throws {
    let model = LoweringTests.smallNetwork().model
    var made = try HandMadePlan(model)
    made.plan.layers.removeAll { $0.name == "a.node" }
    made.plan.activations["x"] = nil
    let lowered = try lower(model, made)
    #expect(lowered.graph.initializers["a.w"]?.elementType == .float32)
    let report = try LoweringVerification.verify(lowered, against: made.plan)
    #expect(report.layers.map(\.runsInIntegers) == [true, true])
  }
}
