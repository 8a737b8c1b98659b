import Foundation
import GraphIR
import ONNXFormat
import Testing

/// The files of ONNX's own node suite; the suite is empty where it is not installed.
@Suite struct NodeSuiteTests {
  static let root = "/usr/share/libonnx-testdata/data/node"
  static let cases = (try? FileManager.default.contentsOfDirectory(atPath: root))?.sorted() ?? []

  @Test(.enabled(if: !cases.isEmpty, "libonnx-testdata is not installed"))
  func everyModelAndValueLoads() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    var values = 0
    for name in NodeSuiteTests.cases {
      let model = try ONNXFile.load(
        path: "\(NodeSuiteTests.root)/\(name)/model.onnx", opsets: 1...25)
      try ONNXFile.save(model, to: folder.file("m.onnx"), overwrite: true)
      #expect(try ONNXFile.load(path: folder.file("m.onnx"), opsets: 1...25) == model, "\(name)")
      for (prefix, infos) in [("input", model.graph.inputs), ("output", model.graph.outputs)] {
        for (index, info) in infos.enumerated() {
          let path = "\(NodeSuiteTests.root)/\(name)/test_data_set_0/\(prefix)_\(index).pb"
          guard FileManager.default.fileExists(atPath: path) else { continue }
          let type = try #require(info.type)
          let value = try TensorProtoFile.load(path: path, type: type)
          // The suite stores bfloat16 values as uint16 ones of the same bits.
          if case .tensor(let elementType, _) = type, elementType != .bfloat16,
            case .tensor(let tensor) = value
          {
            #expect(tensor.elementType == elementType, "\(path)")
          }
          values += 1
        }
      }
    }
    #expect(values > 2 * NodeSuiteTests.cases.count)
  }
}
