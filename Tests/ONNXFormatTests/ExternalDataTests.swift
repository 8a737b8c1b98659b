import Foundation
import GraphIR
import Tensors
import Testing

@testable import ONNXFormat

@Suite final class ExternalDataTests {
  let folder: TemporaryFolder
  let floats = (0..<8).map { Float($0) }

  init() throws {
    folder = try TemporaryFolder()
    try folder.write([9] + floats.withUnsafeBytes { Array($0) }, "w.bin")
  }

  deinit { folder.remove() }

  private func model(_ entries: [(String, String)], dims: [Int] = [4]) throws -> String {
    let data =
      entries.map { Wire.message(13, [.text(1, $0.0), .text(2, $0.1)]) } + [.varint(14, 1)]
    return try folder.write(
      Proto.model(Proto.relu([Proto.tensor("w", dims: dims, data)])), "m.onnx")
  }

  private func message(_ entries: [(String, String)]) throws -> String {
    let path = try model(entries)
    let error = try #require(throws: ONNXError.self) { try ONNXFile.load(path: path) }
    return "\(error)".replacingOccurrences(of: folder.path + "/", with: "")
  }

  @Test func partsOfAFile() throws {
    let path = try model([("location", "w.bin"), ("offset", "5"), ("length", "16")])
    let tensor = try #require(try ONNXFile.load(path: path).graph.initializers["w"])
    #expect(tensor.elements(of: Float.self) == [1, 2, 3, 4])
    let bytes = try model([("location", "./w.bin"), ("offset", "21")], dims: [3])
    #expect(
      try ONNXFile.load(path: bytes).graph.initializers["w"]?.elements(of: Float.self) == [5, 6, 7])
  }

  @Test func aModelNamedWithoutAFolder() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("sub"), withIntermediateDirectories: false)
    try folder.write([0, 0, 0, 0, 0, 0, 0x80, 0x3F], "sub/v.bin")
    let path = try model([("location", "sub/v.bin")], dims: [2])
    #expect(
      try ONNXFile.load(path: path).graph.initializers["w"]?.elements(of: Float.self) == [0, 1])
  }

  @Test func placesOutsideTheFolder() throws {
    let outside = try TemporaryFolder()
    defer { outside.remove() }
    try outside.write(.init(repeating: 0, count: 16), "o.bin")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link.bin"), withDestinationPath: outside.file("o.bin"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("far"), withDestinationPath: outside.path)
    for location in [outside.file("o.bin"), "../w.bin", "a/../../w.bin", "link.bin", "far/o.bin"] {
      #expect(
        try message([("location", location)])
          == "m.onnx: the data file '\(location)' of tensor 'w' leaves the model's folder")
    }
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("near.bin"), withDestinationPath: folder.file("w.bin"))
    #expect(throws: Never.self) { try ONNXFile.load(path: model([("location", "near.bin")])) }
  }

  @Test func filesThatDoNotFit() throws {
    #expect(
      try message([("location", "gone.bin")])
        == "m.onnx: the data file 'gone.bin' of tensor 'w' cannot be read: "
        + "No such file or directory")
    #expect(
      try message([("location", "w.bin"), ("offset", "20")])
        == "m.onnx: tensor 'w' needs 16 bytes from byte 20 of 'w.bin', which has 33")
    #expect(
      try message([("location", "w.bin"), ("offset", "\(Int.max)")])
        == "m.onnx: tensor 'w' needs 16 bytes from byte \(Int.max) of 'w.bin', which has 33")
    #expect(
      try message([("location", "w.bin"), ("length", "12")])
        == "m.onnx: tensor 'w' needs 16 bytes but its external data has 12")
    #expect(
      try message([("location", "w.bin"), ("offset", "-4")])
        == "m.onnx: tensor 'w' has external data with a missing or unusable 'offset'")
    #expect(
      try message([])
        == "m.onnx: tensor 'w' has external data with a missing or unusable 'location'")
    try FileManager.default.createDirectory(
      atPath: folder.file("dir"), withIntermediateDirectories: false)
    #expect(
      try message([("location", "dir")])
        == "m.onnx: the data file 'dir' of tensor 'w' cannot be read: it is not a regular file")
  }

  @Test func weightsThatOutgrowTheModelFile() throws {
    let model = RoundTripTests.full
    let path = folder.file("big.onnx")
    try ONNXFile.save(model, to: path, overwrite: false, largestInlineWeights: 10_000)
    #expect(try contents(path + ".data").count == 12_000)
    #expect(try contents(path).count < 4000)
    #expect(try ONNXFile.load(path: path) == model)
    #expect(throws: ONNXError.output(.exists(path: path))) {
      try ONNXFile.save(model, to: path, overwrite: false, largestInlineWeights: 10_000)
    }
    // Over itself, while the loaded tensors lie in the mapped file.
    let loaded = try ONNXFile.load(path: path)
    try ONNXFile.save(loaded, to: path, overwrite: true, largestInlineWeights: 10_000)
    #expect(try ONNXFile.load(path: path) == model)
    #expect(try folder.names == ["big.onnx", "big.onnx.data", "w.bin"])
  }
}
