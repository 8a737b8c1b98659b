import Foundation
import ONNXFormat
import Tensors
import Testing

@testable import GraphIR

/// ONNX's own operator cases: their declared output shapes and stored outputs judge inference.
@Suite struct NodeSuiteTests {
  private static let folders: [URL] =
    (try? FileManager.default.contentsOfDirectory(
      at: URL(fileURLWithPath: "/usr/share/libonnx-testdata/data/node"),
      includingPropertiesForKeys: nil))?.sorted { $0.path < $1.path } ?? []

  private struct Findings {
    var compared = 0
    var complete = 0
    var evaluated = 0
    var problems: [String] = []
  }

  @Test(.enabled(if: !folders.isEmpty, "libonnx-testdata is not installed"))
  func shapesAndValuesAreThoseStored() throws {
    var findings = Findings()
    for folder in Self.folders
    // NumPy had no bfloat16 when these were written: their data says uint16.
    where !folder.lastPathComponent.contains("BFLOAT16") {
      guard
        let model = try? ONNXFile.load(path: folder.appendingPathComponent("model.onnx").path)
      else { continue }
      do {
        try judge(model, folder, &findings)
      } catch {
        findings.problems.append("\(folder.lastPathComponent): \(error)")
      }
    }
    print(
      "shape inference: \(findings.compared) outputs, \(findings.complete) found in full, "
        + "\(findings.evaluated) computed")
    #expect(findings.problems.isEmpty, "\(findings.problems.joined(separator: "\n"))")
    #expect(findings.complete > findings.compared * 8 / 10)
    #expect(findings.evaluated > 100)
  }

  private func judge(_ original: Model, _ folder: URL, _ findings: inout Findings) throws {
    let data = folder.appendingPathComponent("test_data_set_0")
    var model = original
    for index in model.graph.outputs.indices { model.graph.outputs[index].type = nil }
    for (index, input) in model.graph.inputs.enumerated() {
      guard case .tensor = input.type,
        let tensor = try? TensorProtoFile.load(
          path: data.appendingPathComponent("input_\(index).pb").path)
      else { continue }
      model.graph.initializers[input.name] = tensor
    }
    let scope = try ShapeInference.analyze(model, inputShapes: [:], evaluationLimit: 1 << 20)
    for (index, output) in original.graph.outputs.enumerated() {
      guard case .tensor(let element, _) = output.type,
        let expected = try? TensorProtoFile.load(
          path: data.appendingPathComponent("output_\(index).pb").path)
      else { continue }
      findings.compared += 1
      let name = "\(folder.lastPathComponent) \(output.name)"
      let found = scope.types[output.name] ?? .unknown
      if let type = found.element, type != element {
        findings.problems.append("\(name): \(type), is \(element)")
      }
      guard let shape = found.shape else { continue }
      if shape.count != expected.rank
        || zip(shape, expected.shape).contains(where: { $0.size != nil && $0.size != $1 })
      {
        findings.problems.append("\(name): \(shape.text), is \(expected.shape)")
      }
      if found.fixedShape != nil { findings.complete += 1 }
      guard let tensor = scope.values[output.name]?.tensor else { continue }
      findings.evaluated += 1
      if !agree(tensor, expected) { findings.problems.append("\(name): computed otherwise") }
    }
  }

  /// Equal, floats within a unit or two in the last place.
  private func agree(_ left: Tensor, _ right: Tensor) -> Bool {
    guard left.elementType == .float32, right.elementType == .float32 else {
      return left == right
    }
    let a: [Float] = left.elements()
    let b: [Float] = right.elements()
    return a.count == b.count
      && zip(a, b).allSatisfy {
        $0 == $1 || $0.isNaN && $1.isNaN || abs($0 - $1) <= abs($1) * 1e-6
      }
  }
}
