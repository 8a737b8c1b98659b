import Foundation
import GraphIR
import Tensors
import TestSupport
import Testing

@testable import ONNXFormat

/// Damaged files are refused or read as some valid model; nothing else may happen.
@Suite struct MutationTests {

  private func mutated(_ source: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var bytes = source
    for _ in 0..<Int.random(in: 1...2, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[at] = .random(in: 0...255, using: &random)
      case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.removeSubrange(at...)
      case 3: bytes.removeSubrange(at..<min(at + .random(in: 1...9, using: &random), bytes.count))
      case 4: bytes.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF, 0x07], at: at)
      default:
        let from = Int.random(in: 0..<bytes.count, using: &random)
        let part = Array(bytes[from..<min(from + 40, bytes.count)])
        bytes.insert(contentsOf: part, at: at)
      }
    }
    return bytes
  }

  /// A small model with every kind of message, and a tensor large enough to be read from the file.
  private func sources(in folder: TemporaryFolder) throws -> [[UInt8]] {
    var small = RoundTripTests.full
    small.graph.initializers["big"] = Tensor((0..<300).map { Float($0) }, shape: [300])
    try ONNXFile.save(small, to: folder.file("full.onnx"), overwrite: true)
    small.graph.initializers["big"] = nil
    try ONNXFile.save(small, to: folder.file("bare.onnx"), overwrite: true)
    let relu = Proto.model(
      Proto.relu([
        Proto.tensor("w", type: 3, dims: [3], [.packed(5, [1, 2, -3])]),
        .message(15, [Proto.tensor("s", dims: [0], [], field: 1)]),
        Proto.node("Mul", ["y", "w"], ["z"], [.message(5, [.text(1, "k"), .varint(3, 2)])]),
      ]))
    return [
      try contents(folder.file("full.onnx")), try contents(folder.file("bare.onnx")), relu,
    ]
  }

  @Test func damagedModels() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    var random = SeededGenerator(seed: 20)
    var refused = 0
    var read = 0
    for source in try sources(in: folder) {
      for _ in 0..<800 {
        let path = try folder.write(mutated(source, using: &random), "m.onnx")
        do {
          let model = try ONNXFile.load(path: path)
          read += 1
          let first = folder.file("first.onnx")
          try ONNXFile.save(model, to: first, overwrite: true)
          try ONNXFile.save(ONNXFile.load(path: first), to: path, overwrite: true)
          #expect(try contents(first) == contents(path))
        } catch let error as ONNXError {
          refused += 1
          #expect(error.description.contains(folder.path))
        }
      }
    }
    #expect(refused > 200 && read > 200)
  }

  @Test func everyPrefixOfAModel() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let whole = Proto.model(Proto.relu([Proto.tensor("w", dims: [1], [Proto.raw([0, 0, 0, 0])])]))
    for length in 0..<whole.count {
      let path = try folder.write(Array(whole.prefix(length)), "m.onnx")
      #expect(throws: ONNXError.self) { try ONNXFile.load(path: path) }
    }
  }

  @Test func randomBytes() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    var random = SeededGenerator(seed: 21)
    for length in 1..<1000 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let path = try folder.write(bytes, "m.onnx")
      #expect(throws: ONNXError.self) { try ONNXFile.load(path: path) }
      _ = try? TensorProtoFile.load(path: path)
      _ = try? TensorProtoFile.load(path: path, type: .sequence(.tensor(.float32, shape: nil)))
      _ = try? TensorProtoFile.load(path: path, type: .optional(.tensor(.float32, shape: nil)))
    }
  }
}
