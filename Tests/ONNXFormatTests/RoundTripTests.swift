import Foundation
import GraphIR
import Tensors
import Testing

@testable import ONNXFormat

@Suite struct RoundTripTests {
  /// Loads the bytes, writes the model and returns it with what was written.
  private func roundTrip(_ bytes: [UInt8]) throws -> (model: Model, written: [UInt8]) {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let model = try ONNXFile.load(path: folder.write(bytes, "in.onnx"))
    try ONNXFile.save(model, to: folder.file("out.onnx"), overwrite: false)
    #expect(try ONNXFile.load(path: folder.file("out.onnx")) == model)
    return (model, try contents(folder.file("out.onnx")))
  }

  /// Every kind of attribute, type and message that has a form of its own.
  static let full: Model = {
    let body = Graph(
      name: "body", outputs: [ValueInfo(name: "b", type: .tensor(.float32, shape: [.fixed(2)]))],
      initializers: ["b": Tensor([Float(1), 2], shape: [2])])
    let named = NamedTensor(
      name: "value", tensor: Tensor([Int8(-1), 5], shape: [2]), docString: "two")
    let node = Node(
      name: "n", op: "Everything", domain: "my.domain", overload: "over", inputs: ["x", "", "w"],
      outputs: ["y", "", "z"],
      attributes: [
        Attribute("f", .float(-0.0)), Attribute("i", .int(Int.min)),
        Attribute("s", .string([0xFF, 0x00])), Attribute("t", .tensor(named)),
        Attribute("g", .graph(body)), Attribute("fs", .floats([.infinity, 1e-30])),
        Attribute("is", .ints([])), Attribute("ss", .strings([[], [65]])),
        Attribute("ts", .tensors([named, named])), Attribute("gs", .graphs([body, body])),
        Attribute("e", .string([]), docString: "empty"),
      ], docString: "node")
    let function = FunctionDefinition(
      name: "Twice", domain: "my.domain", overload: "v2", inputs: ["a"], outputs: ["c"],
      attributeNames: ["k"], attributeDefaults: [Attribute("d", .int(3))],
      operatorSets: [OperatorSet(version: 17)],
      nodes: [
        Node(
          op: "Elu", inputs: ["a"], outputs: ["c"],
          attributes: [Attribute("alpha", .reference("d", kind: 1))])
      ], docString: "function")
    let graph = Graph(
      name: "main", docString: "graph",
      inputs: [
        ValueInfo(
          name: "x",
          type: .tensor(.float32, shape: [.symbolic("N"), .unknown, .fixed(3), .symbolic("")]),
          docString: "input"),
        ValueInfo(name: "q", type: .sequence(.optional(.tensor(.int2, shape: nil)))),
        ValueInfo(name: "r", type: .tensor(.bool, shape: [])),
      ],
      outputs: [ValueInfo(name: "y", type: nil), ValueInfo(name: "z", type: nil)],
      valueInfos: [ValueInfo(name: "w", type: .tensor(.int4, shape: [.fixed(3)]))],
      initializers: [
        "w": Tensor(integers: [1, -8, 7], elementType: .int4, shape: [3]) ?? Tensor(scalar: 0.0),
        "big": Tensor((0..<3000).map { Float($0) }, shape: [3000]),
        "text": Tensor(strings: [[104, 105]], shape: []),
      ], nodes: [node])
    return Model(
      irVersion: 13,
      operatorSets: [OperatorSet(version: 25), OperatorSet(domain: "my.domain", version: 3)],
      producerName: "p", producerVersion: "1", domain: "d", modelVersion: -4, docString: "model",
      metadata: [
        MetadataEntry(key: "b", value: "2"), MetadataEntry(key: "a", value: "ä\n"),
        MetadataEntry(key: "b", value: ""),
      ], functions: [function], graph: graph)
  }()

  @Test func everythingBuiltInMemory() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    try ONNXFile.save(RoundTripTests.full, to: folder.file("a.onnx"), overwrite: false)
    let loaded = try ONNXFile.load(path: folder.file("a.onnx"))
    #expect(loaded == RoundTripTests.full)
    try ONNXFile.save(loaded, to: folder.file("b.onnx"), overwrite: false)
    #expect(try contents(folder.file("a.onnx")) == contents(folder.file("b.onnx")))
  }

  @Test func fieldsOfNewerVersionsSurvive() throws {
    let entry: [Wire] = [.text(1, "key"), .text(2, "kept")]
    let bytes = Proto.model(
      [
        Proto.node("Relu", ["x"], ["y"], [.message(9, entry), .text(8, "o"), .text(99, "node")]),
        Proto.tensor("w", dims: [1], [Proto.raw([0, 0, 0, 0]), .message(16, entry)]),
        Proto.input("x", [.message(4, entry)]), Proto.output("y"), .message(16, entry),
      ], extra: [.text(98, "model"), .message(26, [.text(1, "device")])])
    let (model, written) = try roundTrip(bytes)
    #expect(model.graph.nodes[0].overload == "o")
    for kept in [
      Wire.message(9, entry), .text(8, "o"), .text(99, "node"), .message(16, entry),
      .message(4, entry), .text(98, "model"), .message(26, [.text(1, "device")]),
    ] {
      #expect(written.count(of: kept.bytes) == bytes.count(of: kept.bytes))
    }
  }

  @Test func fieldsWithoutAModelSurvive() throws {
    let annotation = Wire.message(14, [.text(1, "x"), .message(2, [.text(1, "SCALE")])])
    let training = Wire.message(20, [.message(3, [.text(1, "a"), .text(2, "b")])])
    let denoted = Wire.message(
      2,
      [
        .message(
          1, [.varint(1, 1), .message(2, [.message(1, [.varint(1, 4), .text(3, "BATCH")])])]),
        .text(6, "IMAGE"),
      ])
    let bytes = Proto.model(
      [
        Proto.node("Relu", ["x"], ["y"]), .message(11, [.text(1, "x"), denoted]),
        Proto.output("y"), annotation,
        Proto.tensor("w", dims: [1], [Proto.raw([0, 0, 0, 0]), .text(12, "documented")]),
      ], extra: [training])
    var (model, written) = try roundTrip(bytes)
    #expect(model.graph.inputs[0].type == .tensor(.float32, shape: [.fixed(4)]))
    for kept in [annotation, training, denoted, .text(12, "documented")] {
      #expect(written.count(of: kept.bytes) == 1)
    }
    // A rewrite that changes the type or drops the tensor drops what described them.
    model.graph.inputs[0].type = .tensor(.float32, shape: [.fixed(5)])
    model.graph.initializers["w"] = nil
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    try ONNXFile.save(model, to: folder.file("out.onnx"), overwrite: false)
    written = try contents(folder.file("out.onnx"))
    #expect(written.count(of: Array("IMAGE".utf8)) == 0)
    #expect(written.count(of: Array("documented".utf8)) == 0)
    #expect(
      try ONNXFile.load(path: folder.file("out.onnx")).graph.inputs[0].type
        == model.graph.inputs[0].type)
  }

  /// What protobuf itself would write comes back byte for byte, however the domain was written.
  @Test(arguments: [[], [Wire.text(1, "")], [.text(1, "ai.onnx")]])
  func bytesAreKept(domain: [Wire]) throws {
    let graph: [Wire] = [
      Proto.node("Add", ["x", "w"], ["y"], name: "add"), .text(2, "g"),
      .message(5, [.varint(1, 1), .varint(2, 1), .text(8, "w"), Proto.raw([0, 0, 128, 63])]),
      Proto.input("x"), Proto.output("y"),
    ]
    let bytes = Wire([
      .varint(1, 8), .text(2, "producer"), .message(7, graph),
      .message(8, domain + [.varint(2, 17)]), .message(14, [.text(1, "k"), .text(2, "v")]),
    ]).bytes
    #expect(try roundTrip(bytes).written == bytes)
  }

  @Test func theSpelledOutStandardDomain() throws {
    let bytes = Wire([
      .varint(1, 8),
      .message(
        7,
        [
          Proto.node("Relu", ["x"], ["y"], [.text(7, "ai.onnx")]), Proto.input("x"),
          Proto.output("y"),
        ]),
      .message(8, [.text(1, "ai.onnx"), .varint(2, 17)]),
    ]).bytes
    let (model, written) = try roundTrip(bytes)
    #expect(model.opset == 17)
    #expect(model.graph.nodes[0].isOperator("Relu"))
    #expect(written.count(of: Wire.text(7, "ai.onnx").bytes) == 1)
    #expect(written.count(of: Wire.text(1, "ai.onnx").bytes) == 1)
  }

  @Test func attributesWithoutADeclaredType() throws {
    let bytes = Proto.model([
      Proto.node(
        "Concat", ["x"], ["y"],
        [.message(5, [.text(1, "axis"), .varint(3, 2)]), .message(5, [.text(1, "none")])]),
      Proto.input("x"), Proto.output("y"),
    ])
    let node = try roundTrip(bytes).model.graph.nodes[0]
    #expect(try node.int("axis") == 2)
    #expect(try node.ints("none") == [])
  }

  @Test func nodesInAnyOrder() throws {
    let bytes = Proto.model([
      Proto.node("C", ["b"], ["c"]), Proto.node("A", ["x"], ["a"]),
      Proto.node("B", ["a"], ["b"]), Proto.input("x"), Proto.output("c"),
    ])
    #expect(try roundTrip(bytes).model.graph.nodes.map(\.op) == ["A", "B", "C"])
  }
}

extension [UInt8] {
  /// How often the bytes occur.
  func count(of pattern: [UInt8]) -> Int {
    guard count >= pattern.count else { return 0 }
    return (0...(count - pattern.count)).count { self[$0...].starts(with: pattern) }
  }
}
