import Calibration
import GraphIR
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

/// Graphs of random weights, and their layers as rounding sees them.
private struct LayerGraph {
  var graph: Graph
  private var generator = SeededGenerator(seed: 5)

  init(input shape: [Int]) {
    graph = Graph(
      inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: shape.map { .fixed($0) }))],
      outputs: [ValueInfo(name: "y", type: nil)])
  }

  var model: Model { Model(operatorSets: [OperatorSet(version: 20)], graph: graph) }

  mutating func tensor(_ shape: [Int]) -> Tensor {
    Tensor(
      (0..<Tensor.count(of: shape)).map { _ in Float.random(in: -1...1, using: &generator) },
      shape: shape)
  }

  mutating func node(
    _ op: String, _ inputs: [String], to output: String, _ attributes: [Attribute] = []
  ) {
    graph.nodes.append(
      Node(name: output, op: op, inputs: inputs, outputs: [output], attributes: attributes))
  }

  /// With constants `NAME_w` and, but for a product, `NAME_b`. Channels get louder and quieter in turns.
  mutating func layer(
    _ op: String, _ input: String, to name: String, _ shape: [Int], group: Int = 1
  ) {
    let axis = op == "Conv" ? 0 : 1
    let inner = Tensor.count(of: Array(shape[(axis + 1)...]))
    graph.initializers[name + "_w"] = Tensor(
      tensor(shape).elements(of: Float.self).enumerated().map {
        $0.element * ($0.offset / inner % shape[axis] % 3 == 0 ? 4 : 1)
      }, shape: shape)
    graph.initializers[name + "_b"] = tensor([shape[axis]])
    let pad = shape.count > 2 ? shape[2] / 2 : 0
    node(
      op, [input, name + "_w"] + (op == "MatMul" ? [] : [name + "_b"]), to: name,
      op == "Conv"
        ? [Attribute("group", .int(group)), Attribute("pads", .ints([pad, pad, pad, pad]))] : [])
  }

  func layers() throws -> [RoundingLayer] {
    try graph.nodes.compactMap { node in
      guard let name = node.input(1), let weight = graph.initializers[name], weight.rank > 1
      else { return nil }
      let rows = try WeightRows(weight, named: name, axis: node.op == "Conv" ? 0 : 1)
      return RoundingLayer(
        name: node.name, rows: rows,
        observed: try ObservedLayer(name: node.name, node: node, weightShape: weight.shape),
        bias: node.input(2), scaleFloors: [])
    }
  }

  func ordering(_ count: Int = 2) throws -> ChannelOrdering {
    try ChannelOrdering(model, layers: layers(), count: count)
  }
}

@Suite struct ChannelOrderingTests {
  @Test func groupsAreOfAboutTheSameSizeInWholeSteps() {
    #expect(ChannelOrdering.sizes(channels: 64, count: 2) == [32, 32])
    #expect(ChannelOrdering.sizes(channels: 48, count: 2) == [32, 16])
    #expect(ChannelOrdering.sizes(channels: 100, count: 4) == [32, 16, 32, 20])
    #expect(ChannelOrdering.sizes(channels: 32, count: 8) == [16, 16])
    #expect(ChannelOrdering.sizes(channels: 16, count: 2) == [16])
    #expect(ChannelOrdering.sizes(channels: 10, count: 8) == [10])
  }

  /// A convolution, a depthwise one behind it, a mean, and two layers that read that.
  private func convolutions() -> LayerGraph {
    var net = LayerGraph(input: [1, 3, 6, 6])
    net.layer("Conv", "x", to: "first", [32, 3, 3, 3])
    net.node("Relu", ["first"], to: "rectified")
    net.layer("Conv", "rectified", to: "middle", [32, 1, 3, 3], group: 32)
    net.node("HardSwish", ["middle"], to: "bent")
    net.node("GlobalAveragePool", ["bent"], to: "mean")
    net.node("Flatten", ["mean"], to: "flat")
    net.layer("Gemm", "flat", to: "left", [32, 40])
    net.layer("Gemm", "flat", to: "right", [32, 40])
    net.node("Add", ["left", "right"], to: "y")
    return net
  }

  @Test func theNetworkComputesWhatItDid() throws {
    var net = convolutions()
    let samples = [["x": net.tensor([1, 3, 6, 6])]]
    let ordering = try net.ordering()
    #expect(ordering.groups == ["first": [16, 16]])
    let ordered = try net.model.applying([ordering.patch])
    let before = try net.model.elements(of: "y", on: samples)[0]
    let after = try ordered.elements(of: "y", on: samples)[0]
    for (old, new) in zip(before, after) { #expect(abs(old - new) < 1e-4 * (1 + abs(old))) }
    let names = ["first_w", "first_b", "middle_w", "middle_b", "left_w", "right_w"]
    for name in names {
      #expect(ordered.graph.initializers[name] != net.graph.initializers[name])
    }
    #expect(ordered.graph.initializers["left_b"] == net.graph.initializers["left_b"])
  }

  @Test func channelsComeInTheOrderOfTheirDamage() throws {
    let net = convolutions()
    let graph = try net.model.applying([net.ordering().patch]).graph
    func powers(_ name: String, length: Int) throws -> [Float] {
      let values = try #require(graph.initializers[name]).elements(of: Float.self)
      return stride(from: 0, to: values.count, by: length).map { start in
        values[start..<start + length].reduce(0) { $0 + $1 * $1 }
      }
    }
    let first = try #require(graph.initializers["first_w"]).elements(of: Float.self)
    let gains = try zip(powers("left_w", length: 40), powers("right_w", length: 40)).map { $0 + $1 }
    let damage = try zip(powers("middle_w", length: 9), gains).enumerated().map { channel, pair in
      let largest = first[channel * 27..<(channel + 1) * 27].map(abs).max() ?? 0
      return largest * largest * pair.0 * pair.1
    }
    #expect(damage == damage.sorted())
  }

  /// Product, bias, and a GELU spelled out, whose parts meet again.
  @Test func transformersInnerLayersHaveGroups() throws {
    var net = LayerGraph(input: [2, 5, 8])
    net.layer("MatMul", "x", to: "wide", [8, 64])
    net.node("Add", ["wide", "wide_b"], to: "h")
    net.graph.initializers["half"] = Tensor(scalar: Float(0.5))
    net.graph.initializers["one"] = Tensor(scalar: Float(1))
    net.node("Mul", ["h", "half"], to: "scaled")
    net.node("Erf", ["scaled"], to: "raised")
    net.node("Add", ["raised", "one"], to: "gate")
    net.node("Mul", ["h", "gate"], to: "gelu")
    net.layer("MatMul", "gelu", to: "y", [64, 8])
    let ordering = try net.ordering(4)
    #expect(ordering.groups == ["wide": [16, 16, 16, 16]])
    let samples = [["x": net.tensor([2, 5, 8])]]
    let ordered = try net.model.applying([ordering.patch])
    let before = try net.model.elements(of: "y", on: samples)[0]
    let after = try ordered.elements(of: "y", on: samples)[0]
    for (old, new) in zip(before, after) { #expect(abs(old - new) < 1e-4 * (1 + abs(old))) }
    #expect(ordered.graph.initializers["wide_b"] != net.graph.initializers["wide_b"])
  }

  @Test func channelsThatOthersSeeKeepTheirOrder() throws {
    var residual = LayerGraph(input: [1, 32, 4, 4])
    residual.layer("Conv", "x", to: "a", [32, 32, 1, 1])
    residual.node("Add", ["a", "x"], to: "sum")
    residual.layer("Conv", "sum", to: "y", [32, 32, 1, 1])
    #expect(try residual.ordering().groups.isEmpty)

    var shown = convolutions()
    shown.graph.outputs.append(ValueInfo(name: "bent", type: nil))
    #expect(try shown.ordering().groups.isEmpty)

    var flattened = LayerGraph(input: [1, 3, 4, 4])
    flattened.layer("Conv", "x", to: "a", [32, 3, 1, 1])
    flattened.node("Flatten", ["a"], to: "flat")
    flattened.layer("Gemm", "flat", to: "y", [512, 10])
    #expect(try flattened.ordering().groups.isEmpty)

    var shared = LayerGraph(input: [1, 32, 4, 4])
    shared.layer("Conv", "x", to: "a", [32, 32, 1, 1])
    shared.node("Conv", ["a", "a_w", "a_b"], to: "y")
    #expect(try shared.ordering().groups.isEmpty)
  }
}
