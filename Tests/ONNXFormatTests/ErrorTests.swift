import Foundation
import GraphIR
import ONNXFormat
import Tensors
import TestSupport
import Testing

@Suite struct ErrorTests {
  /// What loading these bytes as `m.onnx` says, without the folder.
  private func message(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    return try message(path: folder.write(bytes, "m.onnx"), in: folder)
  }

  private func message(path: String, in folder: TemporaryFolder) throws -> String {
    let error = try #require(throws: ONNXError.self) { try ONNXFile.load(path: path) }
    return "\(error)".replacingOccurrences(of: folder.path + "/", with: "")
  }

  private func message(_ graph: [Wire]) throws -> String { try message(Proto.model(graph)) }

  @Test func placesThatHoldNoModel() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    #expect(
      try message(path: folder.file("absent.onnx"), in: folder)
        == "absent.onnx cannot be read: No such file or directory")
    try FileManager.default.createDirectory(
      atPath: folder.file("d.onnx"), withIntermediateDirectories: false)
    #expect(
      try message(path: folder.file("d.onnx"), in: folder) == "d.onnx is not a regular file")
    #expect(mkfifo(folder.file("pipe.onnx"), 0o600) == 0)
    #expect(
      try message(path: folder.file("pipe.onnx"), in: folder) == "pipe.onnx is not a regular file")
    let large = try folder.write([0], "large.onnx")
    #expect(truncate(large, 3 << 30) == 0)
    #expect(
      try message(path: large, in: folder)
        == "large.onnx is larger than 2 GiB, the limit of an ONNX file; "
        + "store its weights as external data")
  }

  @Test func bytesThatAreNoModel() throws {
    #expect(try message([UInt8]()) == "m.onnx is empty")
    let damaged = "m.onnx is not an ONNX file, or it is truncated or damaged"
    #expect(try message(Array("\u{89}PNG\r\n\u{1A}\n".utf8)).hasPrefix(damaged))
    #expect(try message(Array("#!/bin/sh\nexit 0\n".utf8)).hasPrefix(damaged))
    #expect(try message([0, 0, 0, 0]).hasPrefix(damaged))
    #expect(
      try message(Wire([.varint(1, 8)]).bytes) == "m.onnx is not an ONNX model: it has no graph")
    let whole = Proto.model(Proto.relu())
    #expect(try message(Array(whole.prefix(20))) == damaged + " near byte 4")
  }

  @Test func nestingBeyondReason() throws {
    var graph = Proto.relu()
    for _ in 0..<200 {
      graph = [
        Proto.node("If", [], ["y"], [.message(5, [.text(1, "then_branch"), .message(6, graph)])])
      ]
    }
    #expect(try message(graph).hasPrefix("m.onnx is not an ONNX file"))
    var type: [Wire] = [.message(1, [.varint(1, 1)])]
    for _ in 0..<10_000 { type = [.message(4, [.message(1, type)])] }
    #expect(
      try message(Proto.relu([.message(13, [.text(1, "t"), .message(2, type)])]))
        .hasPrefix("m.onnx is not an ONNX file"))
  }

  @Test func operatorSets() throws {
    for version in [-1, 6, 26] {
      #expect(
        try message(Proto.model(Proto.relu(), opset: version))
          == "m.onnx uses opset \(version); supported are 7 to 25")
    }
    let without = Wire([.varint(1, 8), .message(7, Proto.relu())]).bytes
    #expect(
      try message(without) == "m.onnx uses standard operators but does not say of which opset")
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let old = try folder.write(Proto.model(Proto.relu(), opset: 6), "old.onnx")
    #expect(try ONNXFile.load(path: old, opsets: 1...25).opset == 6)
  }

  @Test func brokenGraphs() throws {
    let ends = [Proto.input("x"), Proto.output("y")]
    #expect(
      try message(
        [Proto.node("Relu", ["b"], ["a"]), Proto.node("Abs", ["a"], ["b"], name: "n")]
          + [Proto.output("b")]) == "m.onnx: the graph has a cycle through Abs 'n'")
    #expect(
      try message([Proto.node("Relu", ["gone"], ["y"], name: "r")] + ends)
        == "m.onnx: Relu 'r' reads 'gone', which nothing defines")
    #expect(
      try message(Proto.relu([Proto.node("Abs", ["x"], ["y"], name: "again")]))
        == "m.onnx: value 'y' is defined again by Abs 'again'")
    #expect(
      try message([Proto.node("Relu", ["x"], ["z"])] + ends)
        == "m.onnx: graph output 'y' is not defined by any node")
    let twin = Proto.tensor("w", dims: [0], [])
    #expect(
      try message(Proto.relu([twin, twin]))
        == "m.onnx: value 'w' is defined again by another initializer")
    let sparse = Wire.message(15, [Proto.tensor("s", dims: [0], [], field: 1)])
    #expect(
      try message([Proto.node("Relu", ["s"], ["y"]), Proto.output("y"), sparse])
        == "m.onnx: 's' is a sparse initializer, which is not supported; store it dense")
  }

  @Test func attributes() throws {
    func attribute(_ fields: [Wire]) throws -> String {
      try message([
        Proto.node("Conv", ["x"], ["y"], name: "c", [.message(5, [.text(1, "a")] + fields)]),
        Proto.input("x"), Proto.output("y"),
      ])
    }
    #expect(
      try attribute([.varint(20, 7), .text(4, "text")])
        == "m.onnx: Conv 'c': attribute 'a' is declared a list of integers but holds no such value")
    #expect(
      try attribute([.varint(20, 5)])
        == "m.onnx: Conv 'c': attribute 'a' is declared a graph but holds no such value")
  }

  @Test func shapesAndSizes() throws {
    func tensor(_ dims: [Int], type: Int = 1, _ data: [Wire] = []) throws -> String {
      try message(Proto.relu([Proto.tensor("w", type: type, dims: dims, data)]))
    }
    #expect(try tensor([2, -3]) == "m.onnx: tensor 'w' has the impossible shape [2, -3]")
    #expect(
      try tensor([1 << 40, 1 << 40])
        == "m.onnx: tensor 'w' has the impossible shape [1099511627776, 1099511627776]")
    #expect(
      try tensor([1 << 61])
        == "m.onnx: tensor 'w' has the impossible shape [2305843009213693952]")
    #expect(try tensor([1], type: 77) == "m.onnx: tensor 'w' has the unknown element type 77")
    #expect(
      try tensor([2, 2], [Proto.raw([1, 2, 3])])
        == "m.onnx: tensor 'w' (float [2, 2]) needs 16 bytes but the file holds 3")
    #expect(
      try tensor([1 << 40], [Proto.raw(.init(repeating: 0, count: 2000))])
        == "m.onnx: tensor 'w' (float [1099511627776]) needs 4398046511104 bytes "
        + "but the file holds 2000")
    #expect(
      try tensor([2], type: 8, [.text(6, "one")])
        == "m.onnx: tensor 'w' (string [2]) needs 2 strings but the file holds 1")
    let large = Proto.raw(.init(repeating: 0, count: 4096))
    #expect(
      try tensor([1024], [large, large]).hasSuffix(
        "is stored in several pieces, which is not supported"))
    #expect(
      try tensor([1024], [.message(3, [.varint(1, 0), .varint(2, 4096)])])
        .hasSuffix("is stored in several pieces, which is not supported"))
    let negative = Wire.message(
      13,
      [
        .text(1, "v"),
        .message(2, [.message(1, [.varint(1, 1), .message(2, [.message(1, [.varint(1, -1)])])])]),
      ])
    #expect(
      try message(Proto.relu([negative]))
        == "m.onnx: value 'v' is declared with the impossible shape [-1]; "
        + "an axis of any size needs a name instead of a number")
  }
}
