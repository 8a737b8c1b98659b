import Foundation
import GraphIR
import ONNXFormat
import Tensors
import TestSupport
import Testing

/// The networks beside the repository; the suite is empty where there are none.
@Suite struct SharedModelTests {
  static let models: [String] = {
    guard let folder = SharedFiles.file("models"),
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    else { return [] }
    return names.filter { $0.hasSuffix(".onnx") }.sorted().map { folder.path + "/" + $0 }
  }()

  @Test(.enabled(if: !models.isEmpty, "no ../shared/models"), arguments: models)
  func loads(path: String) throws {
    let model = try ONNXFile.load(path: path)
    #expect(!model.graph.nodes.isEmpty)
    #expect(!model.graph.outputs.isEmpty)
    #expect(model.graph.nodes.allSatisfy { !$0.op.isEmpty })
    let bytes = model.graph.initializers.values.reduce(0) { $0 + $1.storage.byteCount }
    let file = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    #expect(bytes <= file && bytes > file / 10)
  }

  @Test(.enabled(if: !models.isEmpty, "no ../shared/models"), arguments: models)
  func survivesARoundTrip(path: String) throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let model = try ONNXFile.load(path: path)
    try ONNXFile.save(model, to: folder.file("a.onnx"), overwrite: false)
    let again = try ONNXFile.load(path: folder.file("a.onnx"))
    #expect(again == model)
    try ONNXFile.save(again, to: folder.file("b.onnx"), overwrite: false)
    #expect(try contents(folder.file("a.onnx")) == contents(folder.file("b.onnx")))
  }
}
