import FloatRuntime
import Tensors
import Testing

@testable import GraphIR

@Suite struct RewriteTests {
  private func run(_ model: Model, _ inputs: [String: Tensor]) throws -> [String: [Float]] {
    try FloatEngine(model: model).run(inputs.mapValues { .tensor($0) }).compactMapValues {
      if case .tensor(let tensor) = $0, tensor.elementType == .float32 {
        tensor.elements(of: Float.self)
      } else {
        nil
      }
    }
  }

  private func pattern(_ count: Int, _ shape: [Int], step: Float = 0.37) -> Tensor {
    Tensor(
      (0..<count).map { (Float($0) * step).truncatingRemainder(dividingBy: 2) - 0.8 },
      shape: shape)
  }

  private func normalized(_ layer: Node, input: [Int], weight: [Int], channels: Int, bias: Bool)
    -> (Model, Tensor)
  {
    var constants = [
      "w.weight": pattern(Tensor.count(of: weight), weight),
      "scale": pattern(channels, [channels], step: 0.71), "beta": pattern(channels, [channels]),
      "mean": pattern(channels, [channels], step: 0.13),
      "variance": Tensor((0..<channels).map { Float($0) + 0.5 }, shape: [channels]),
    ]
    if bias { constants["b"] = pattern(channels, [channels], step: 0.9) }
    let result = model(
      opset: 17, inputs: [float("x", input.map { .fixed($0) })], outputs: ["y"],
      initializers: constants,
      nodes: [
        layer,
        node("BatchNormalization", ["a", "scale", "beta", "mean", "variance"], ["n"]),
        node("Relu", ["n"], ["y"]),
      ])
    return (result, pattern(Tensor.count(of: input), input, step: 0.23))
  }

  @Test(arguments: [false, true]) func batchNormalizationFoldsIntoEveryLayer(bias: Bool) throws {
    let inputs = bias ? ["x", "w.weight", "b"] : ["x", "w.weight"]
    let cases = [
      normalized(
        node("Conv", inputs, ["a"], ["group": .int(2)]), input: [2, 4, 5, 5],
        weight: [6, 2, 3, 3], channels: 6, bias: bias),
      normalized(
        node("ConvTranspose", inputs, ["a"], ["group": .int(2), "strides": .ints([2, 2])]),
        input: [1, 4, 3, 3], weight: [4, 3, 2, 2], channels: 6, bias: bias),
      normalized(
        node("Gemm", inputs, ["a"], ["transB": .int(1)]), input: [3, 4], weight: [5, 4],
        channels: 5, bias: bias),
      normalized(
        node("Gemm", inputs, ["a"], ["alpha": .float(0.5)]), input: [3, 4], weight: [4, 5],
        channels: 5, bias: bias),
    ]
    for (model, input) in cases {
      let folded = try GraphPatch.foldBatchNormalization.apply(to: model)
      #expect(folded.graph.nodes.map(\.op) == [model.graph.nodes[0].op, "Relu"])
      #expect(folded.graph.nodes[0].outputs == ["n"])
      #expect(folded.graph.nodes[0].inputs == ["x", "w.weight", bias ? "b" : "w.bias"])
      let before = try #require(try run(model, ["x": input])["y"])
      let after = try #require(try run(folded, ["x": input])["y"])
      #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test func foldingLeavesSharedAndVisibleValues() throws {
    var (shared, input) = normalized(
      node("Conv", ["x", "w.weight"], ["a"]), input: [1, 3, 4, 4], weight: [3, 3, 1, 1],
      channels: 3, bias: false)
    shared.graph.nodes.insert(node("Conv", ["x", "w.weight"], ["other"]), at: 0)
    shared.graph.outputs.append(ValueInfo(name: "other", type: nil))
    let folded = try GraphPatch.foldBatchNormalization.apply(to: shared)
    #expect(folded.graph.initializers["w.weight"] == shared.graph.initializers["w.weight"])
    #expect(folded.graph.nodes.map(\.op) == ["Conv", "Conv", "Relu"])
    let before = try run(shared, ["x": input])
    let after = try run(folded, ["x": input])
    for name in ["y", "other"] {
      let pairs = zip(try #require(before[name]), try #require(after[name]))
      #expect(pairs.allSatisfy { abs($0 - $1) < 1e-5 })
    }
    shared.graph.outputs.append(ValueInfo(name: "a", type: nil))
    let visible = try GraphPatch.foldBatchNormalization.apply(to: shared)
    #expect(visible.graph.nodes.count == 4)
  }

  @Test func deadNodesAndTheirConstantsGo() throws {
    let result = try GraphPatch.removeDeadNodes.apply(
      to: model(
        opset: 17, inputs: [float("x", nil), float("w", nil)], outputs: ["y"],
        initializers: ["w": ints(1), "v": ints(2)],
        nodes: [
          node("Mul", ["x", "w"], ["dead"]), node("Neg", ["dead"], ["alsoDead"]),
          node("Add", ["x", "v"], ["y"]),
        ]))
    #expect(result.graph.nodes.map(\.op) == ["Add"])
    #expect(Array(result.graph.initializers.keys) == ["v"])
    #expect(result.graph.inputs.map(\.name) == ["x"])
  }

  @Test func identitiesGoAndOutputsKeepTheirNames() throws {
    let result = try GraphPatch.removeIdentities.apply(
      to: model(
        opset: 17, inputs: [float("x", nil)], outputs: ["y", "z"],
        nodes: [
          node("Identity", ["x"], ["a"]), node("Relu", ["a"], ["b"]),
          node("Dropout", ["b"], ["c"]), node("Identity", ["c"], ["y"]),
          node("Neg", ["c"], ["d"]), node("Exp", ["d"], ["e"]), node("Identity", ["x"], ["z"]),
        ]))
    #expect(result.graph.nodes.map(\.op) == ["Relu", "Neg", "Exp", "Identity"])
    #expect(result.graph.nodes[0].inputs == ["x"])
    #expect(result.graph.nodes[0].outputs == ["y"])
    #expect(result.graph.nodes[1].inputs == ["y"])
  }

  @Test func functionsAreInlinedWithTheirAttributes() throws {
    let inner = FunctionDefinition(
      name: "Scaled", domain: "local", inputs: ["v"], outputs: ["r"],
      attributeNames: ["factor"], operatorSets: [OperatorSet(version: 17)],
      nodes: [
        node("Constant", [], ["k"], ["value_float": .reference("factor", kind: 1)]),
        node("Mul", ["v", "k"], ["r"]),
      ])
    let outer = FunctionDefinition(
      name: "Twice", domain: "local", inputs: ["p"], outputs: ["q"],
      attributeDefaults: [Attribute("by", .float(3))], operatorSets: [OperatorSet(version: 17)],
      nodes: [
        Node(
          op: "Scaled", domain: "local", inputs: ["p"], outputs: ["t"],
          attributes: [Attribute("factor", .reference("by", kind: 1))]),
        node("Add", ["t", "t"], ["q"]),
      ])
    var calls = model(
      opset: 17, inputs: [float("x", fixed(1))], outputs: ["y"],
      nodes: [
        Node(op: "Twice", domain: "local", inputs: ["x"], outputs: ["m"]),
        Node(
          name: "second", op: "Twice", domain: "local", inputs: ["m"], outputs: ["y"],
          attributes: [Attribute("by", .float(0.5))]),
      ])
    calls.functions = [inner, outer]
    calls.operatorSets.append(OperatorSet(domain: "local", version: 1))
    let result = try GraphPatch.inlineFunctions.apply(to: calls)
    #expect(result.functions.isEmpty)
    #expect(result.operatorSets.map(\.domain) == [""])
    let output = try run(result, ["x": Tensor([Float(1)], shape: [1])])
    #expect(output["y"] == [6])
  }

  @Test func recursiveFunctionsAreRefused() {
    var endless = model(
      opset: 17, inputs: [float("x", nil)], outputs: ["y"],
      nodes: [Node(op: "F", domain: "local", inputs: ["x"], outputs: ["y"])])
    endless.functions = [
      FunctionDefinition(
        name: "F", domain: "local", inputs: ["a"], outputs: ["b"],
        nodes: [Node(op: "F", domain: "local", inputs: ["a"], outputs: ["b"])])
    ]
    #expect(throws: GraphError.self) { try GraphPatch.inlineFunctions.apply(to: endless) }
  }

  @Test func sortingPutsProducersFirstAndNamesCycles() throws {
    let shuffled = model(
      opset: 17, inputs: [float("x", nil)], outputs: ["c"],
      nodes: [node("Neg", ["b"], ["c"]), node("Neg", ["x"], ["a"]), node("Neg", ["a"], ["b"])])
    let sorted = try GraphPatch.sortTopologically.apply(to: shuffled)
    #expect(sorted.graph.nodes.map(\.identity) == ["a", "b", "c"])
    let cyclic = model(
      opset: 17, inputs: [], outputs: ["a"],
      nodes: [node("Neg", ["b"], ["a"]), node("Neg", ["a"], ["b"])])
    #expect(throws: GraphError.cycle(through: "Neg 'Neg_a'")) {
      try GraphPatch.sortTopologically.apply(to: cyclic)
    }
  }

  @Test func knownConditionsInlineTheirBranch() throws {
    let yes = Graph(outputs: [float("r", nil)], nodes: [node("Neg", ["x"], ["r"])])
    let no = Graph(outputs: [float("r", nil)], nodes: [node("Abs", ["x"], ["r"])])
    let result = try GraphPatch.foldConstants().apply(
      to: model(
        opset: 17, inputs: [float("x", fixed(2, 3))], outputs: ["y"],
        initializers: ["rank": ints(2)],
        nodes: [
          node("Shape", ["x"], ["s"]), node("Shape", ["s"], ["n"]),
          node("Equal", ["n", "rank"], ["e"]), node("Squeeze", ["e"], ["c"]),
          node("If", ["c"], ["i"], ["then_branch": .graph(yes), "else_branch": .graph(no)]),
          node("Relu", ["i"], ["y"]),
        ]))
    #expect(result.graph.nodes.map(\.op) == ["Neg", "Relu"])
    #expect(result.graph.initializers.isEmpty)
  }

  @Test func shapeComputationsFoldAsFarAsTheyAreKnown() throws {
    let dynamic = model(
      opset: 13, inputs: [float("x", [.symbolic("N"), .fixed(6)])], outputs: ["y"],
      initializers: [
        "i0": Tensor(scalar: Int64(0)), "two": ints(2), "three": ints(3), "ax": ints(0),
      ],
      nodes: [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "i0"], ["n"]),
        node("Unsqueeze", ["n", "ax"], ["nv"]),
        node("Concat", ["nv", "two", "three"], ["t"], ["axis": .int(0)]),
        node("Reshape", ["x", "t"], ["y"]),
      ])
    let types = try ShapeInference.infer(dynamic)
    #expect(types["y"] == .tensor(.float32, shape: [.symbolic("N"), .fixed(2), .fixed(3)]))
    let fixed = try GraphPatch.foldConstants(inputShapes: ["x": [4, 6]]).apply(to: dynamic)
    #expect(fixed.graph.nodes.map(\.op) == ["Reshape"])
    #expect(fixed.graph.initializers["t"] == ints(4, 2, 3))
  }

  @Test func contradictionsNameTheNode() {
    let wrong = model(
      opset: 17, inputs: [float("a", fixed(2, 3)), float("b", fixed(4, 5))], outputs: ["y"],
      nodes: [node("MatMul", ["a", "b"], ["y"])])
    #expect {
      try ShapeInference.infer(wrong)
    } throws: {
      guard case GraphError.shapeMismatch(let node, _) = $0 else { return false }
      return node == "MatMul 'MatMul_y'"
    }
    #expect(throws: GraphError.self) {
      try ShapeInference.infer(wrong, inputShapes: ["a": [2, 4]])
    }
  }
}
