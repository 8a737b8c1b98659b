import Tensors
import Testing

@testable import GraphIR

@Suite struct OpsetUpgradeTests {
  private func upgraded(_ model: Model, to target: Int = OpsetUpgrade.latest) throws -> Model {
    try GraphPatch.upgradeOpset(to: target).apply(to: model)
  }

  @Test func axesBecomeASharedInitializer() throws {
    let result = try upgraded(
      model(
        opset: 7, inputs: [float("x", fixed(1, 2, 1))], outputs: ["y"],
        nodes: [
          node("Unsqueeze", ["x"], ["a"], ["axes": .ints([0])]),
          node("Squeeze", ["a"], ["b"], ["axes": .ints([0])]),
          node("ReduceMean", ["b"], ["y"], ["axes": .ints([1]), "keepdims": .int(0)]),
        ], irVersion: 3))
    #expect(result.opset == 25)
    #expect(result.irVersion == 13)
    #expect(result.graph.nodes.map(\.op) == ["Unsqueeze", "Squeeze", "ReduceMean"])
    #expect(result.graph.initializers.count == 2)
    #expect(result.graph.nodes[0].inputs == result.graph.nodes[1].inputs.with(0, "x"))
    let axes = try #require(result.graph.nodes[2].input(1))
    #expect(result.graph.initializers[axes] == ints(1))
    #expect(result.graph.nodes[2].attributes.map(\.name) == ["keepdims"])
  }

  @Test func irThreeInputsThatOnlyDefaultAreDropped() throws {
    let result = try upgraded(
      model(
        opset: 8, inputs: [float("x", nil), float("w", nil)], outputs: ["y"],
        initializers: ["w": Tensor(scalar: Float(1))], nodes: [node("Add", ["x", "w"], ["y"])],
        irVersion: 3), to: 13)
    #expect(result.graph.inputs.map(\.name) == ["x"])
    #expect(result.irVersion == 7)
  }

  @Test func softmaxOverSeveralAxesGoesThroughAMatrix() throws {
    let last = try upgraded(
      model(
        opset: 9, inputs: [float("x", fixed(2, 3))], outputs: ["y"],
        nodes: [node("Softmax", ["x"], ["y"])]))
    #expect(last.graph.nodes.map(\.op) == ["Softmax"])
    #expect(try last.graph.nodes[0].int("axis") == -1)
    let inner = try upgraded(
      model(
        opset: 9, inputs: [float("x", fixed(2, 3, 4))], outputs: ["y"],
        nodes: [node("LogSoftmax", ["x"], ["y"], ["axis": .int(1)])]))
    #expect(inner.graph.nodes.map(\.op) == ["Shape", "Flatten", "LogSoftmax", "Reshape"])
    #expect(inner.graph.nodes[2].name == "LogSoftmax_y")
  }

  @Test func clipBoundsTakeTheDataType() throws {
    let half = ValueInfo(name: "x", type: .tensor(.float16, shape: nil))
    let result = try upgraded(
      model(
        opset: 10, inputs: [half], outputs: ["y"],
        nodes: [
          node("Relu", ["x"], ["a"]), node("Clip", ["a"], ["y"], ["max": .float(6)]),
        ]))
    let clip = result.graph.nodes[1]
    #expect(clip.inputs.count == 3)
    #expect(clip.input(1) == nil)
    let bound = try #require(clip.input(2).flatMap { result.graph.initializers[$0] })
    #expect(bound.elementType == .float16)
    #expect(Array(bound.storage.bytes) == [0x00, 0x46])
  }

  @Test func mixedNearestScalesSplitIntoTwoResizes() throws {
    let result = try upgraded(
      model(
        opset: 7, inputs: [float("x", fixed(1, 1, 2, 4))], outputs: ["y"],
        nodes: [
          node("Upsample", ["x"], ["y"], ["scales": .floats([1, 1, 2, 0.5])])
        ]))
    #expect(result.graph.nodes.map(\.op) == ["Resize", "Resize"])
    #expect(try result.graph.nodes.map { try $0.string("nearest_mode") } == ["floor", "ceil"])
    #expect(result.graph.nodes[1].outputs == ["y"])
  }

  @Test func scanOverABatchNestsOnce() throws {
    let body = Graph(
      inputs: [float("s", nil), float("e", nil)], outputs: [float("t", nil), float("o", nil)],
      nodes: [
        node("Add", ["s", "e"], ["t"]), node("ReduceSum", ["t"], ["o"], ["axes": .ints([0])]),
      ])
    let result = try upgraded(
      model(
        opset: 8, inputs: [float("i", nil), float("x", nil)], outputs: ["f", "y"],
        nodes: [
          node(
            "Scan", ["", "i", "x"], ["f", "y"], ["body": .graph(body), "num_scan_inputs": .int(1)])
        ]))
    let outer = result.graph.nodes[0]
    #expect(try outer.int("num_scan_inputs") == 2)
    let batch = try #require(try outer.graph("body"))
    #expect(batch.nodes.map(\.op) == ["Scan"])
    let inner = try #require(try batch.nodes[0].graph("body"))
    #expect(inner.nodes[1].inputs.count == 2)
    #expect(inner.initializers.count == 1)
  }

  @Test func unreadTrainingOutputsGo() throws {
    let inputs = ["x", "s", "b", "m", "v"]
    let result = try upgraded(
      model(
        opset: 9, inputs: inputs.map { float($0, nil) }, outputs: ["y"],
        nodes: [node("BatchNormalization", inputs, ["y", "a", "b2", "c", "d"])]))
    #expect(result.graph.nodes[0].outputs == ["y"])
    #expect(throws: GraphError.self) {
      try upgraded(
        model(
          opset: 9, inputs: inputs.map { float($0, nil) }, outputs: ["y", "c"],
          nodes: [node("BatchNormalization", inputs, ["y", "a", "b2", "c", "d"])]))
    }
  }

  @Test func wrongAttributeKindIsNamed() {
    #expect(
      throws: GraphError.attributeKind(
        node: "Squeeze 'Squeeze_y'", attribute: "axes", expected: "a list of integers")
    ) {
      try upgraded(
        model(
          opset: 11, inputs: [float("x", nil)], outputs: ["y"],
          nodes: [node("Squeeze", ["x"], ["y"], ["axes": text("0")])]))
    }
  }

  @Test func tooOldIsRefused() {
    #expect(throws: GraphError.self) {
      try upgraded(model(opset: 6, inputs: [], outputs: [], nodes: []))
    }
  }
}

extension [String] {
  fileprivate func with(_ index: Int, _ value: String) -> [String] {
    var copy = self
    copy[index] = value
    return copy
  }
}
