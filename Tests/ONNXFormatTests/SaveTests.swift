import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite final class SaveTests {
  let folder: TemporaryFolder
  let model = RoundTripTests.full

  init() throws { folder = try TemporaryFolder() }

  deinit { folder.remove() }

  private func message(_ path: String, _ model: Model, overwrite: Bool = false) throws -> String {
    let error = try #require(throws: ONNXError.self) {
      try ONNXFile.save(model, to: path, overwrite: overwrite)
    }
    return "\(error)".replacingOccurrences(of: folder.path, with: "DIR")
  }

  @Test func anExistingFileIsKept() throws {
    let path = try folder.write([1, 2, 3], "out.onnx")
    #expect(
      try message(path, model) == "DIR/out.onnx exists already; --overwrite replaces it")
    #expect(try contents(path) == [1, 2, 3])
    try ONNXFile.save(model, to: path, overwrite: true)
    #expect(try ONNXFile.load(path: path) == model)
    #expect(try folder.names == ["out.onnx"])
  }

  @Test func placesThatCannotBeWritten() throws {
    #expect(
      try message(folder.file("no/out.onnx"), model)
        == "DIR/no/out.onnx cannot be written: the folder DIR/no does not exist")
    #expect(
      try message(folder.path, model, overwrite: true)
        == "DIR cannot be written: it is a folder")
  }

  @Test func aFailureLeavesNothingBehind() throws {
    var broken = model
    broken.unknownFields = [0xFF, 0xFF]
    let path = try folder.write([1], "out.onnx")
    #expect(
      try message(path, broken, overwrite: true)
        == "DIR/out.onnx cannot be written: the model holds fields that are not of ONNX")
    #expect(try folder.names == ["out.onnx"])
    #expect(try contents(path) == [1])
  }

  @Test func aFullDiskIsReported() throws {
    #expect(
      try message("/dev/full/out.onnx", model).hasPrefix("/dev/full/out.onnx cannot be written"))
  }
}
