import Foundation
import GraphIR
import ONNXFormat
import Tensors

@testable import FloatRuntime

/// One case of ONNX's node suite: a folder with `model.onnx` and `test_data_set_*`.
struct NodeCase {
  let folder: URL
  var name: String { folder.lastPathComponent }

  enum Outcome {
    case passed
    case failed(String)
    /// The file is not for tapq (opset before 7), or the engine lacks an operator.
    case unclaimed(String)
  }

  /// Debian's `libonnx-testdata`.
  static let debian = URL(fileURLWithPath: "/usr/share/libonnx-testdata/data/node")

  static func all(in root: URL) -> [NodeCase] {
    let folders =
      (try? FileManager.default.contentsOfDirectory(at: root, includingPropertiesForKeys: nil))
      ?? []
    return folders.filter {
      FileManager.default.fileExists(atPath: $0.appendingPathComponent("model.onnx").path)
    }.sorted { $0.path < $1.path }.map(NodeCase.init)
  }

  func run() -> Outcome {
    do {
      let model = try ONNXFile.load(path: folder.appendingPathComponent("model.onnx").path)
      for data in try dataSets() {
        if let problem = try compare(model, data) { return .failed(problem) }
      }
      return .passed
    } catch RuntimeError.unsupportedOperators(let nodes) {
      return .unclaimed(nodes.first ?? "")
    } catch ONNXError.opset(_, let version, _) {
      return .unclaimed("opset \(version)")
    } catch {
      return .failed("\(error)")
    }
  }

  private func dataSets() throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.lastPathComponent.hasPrefix("test_data_set_") }
  }

  /// Nil where all outputs are as they should be.
  private func compare(_ original: Model, _ data: URL) throws -> String? {
    var model = original
    var inputs: [String: RuntimeValue] = [:]
    for (index, input) in model.graph.inputs.enumerated() {
      let file = data.appendingPathComponent("input_\(index).pb")
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      let value = try load(file, as: input)
      model.graph.inputs[index].type = declared(input.type, for: value)
      inputs[input.name] = value
    }
    let outputs = try FloatEngine(model: model).run(inputs)
    for (index, output) in model.graph.outputs.enumerated() {
      let file = data.appendingPathComponent("output_\(index).pb")
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      guard let found = outputs[output.name] else { return "no output \(output.name)" }
      let tolerance = Tolerance(relative: 1e-3, absolute: 1e-6)
      if let problem = tolerance.difference(found, try load(file, as: output)) {
        return "\(output.name): \(problem)"
      }
    }
    return nil
  }

  /// Some cases declare another shape than their data has, which the engine would refuse.
  private func declared(_ type: ValueType?, for value: RuntimeValue) -> ValueType? {
    guard case .tensor(let element, let shape?) = type, case .tensor(let tensor) = value,
      shape.count != tensor.rank
        || zip(shape, tensor.shape).contains(where: { $0.size != nil && $0.size != $1 })
    else { return type }
    return .tensor(element, shape: nil)
  }

  private func load(_ file: URL, as info: ValueInfo) throws -> RuntimeValue {
    guard let type = info.type else {
      return .tensor(try TensorProtoFile.load(path: file.path))
    }
    let value = RuntimeValue(try TensorProtoFile.load(path: file.path, type: type))
    // NumPy had no bfloat16 when the older cases were written: their data says uint16.
    if case .tensor(let tensor) = value, case .tensor(.bfloat16, _) = type,
      tensor.elementType == .uint16
    {
      return .tensor(tensor.reinterpreted(as: .bfloat16))
    }
    return value
  }
}

extension RuntimeValue {
  init(_ stored: StoredValue) {
    switch stored {
    case .tensor(let tensor): self = .tensor(tensor)
    case .sequence(let items): self = .sequence(items.map(RuntimeValue.init))
    case .optional(let item): self = .optional(item.map(RuntimeValue.init))
    }
  }
}

/// Comparison as in ONNX's backend tests: types and shapes equal, integers, bools and strings
/// exact, floats within a relative plus an absolute tolerance.
struct Tolerance {
  let relative: Double
  let absolute: Double

  /// Nil where the values agree.
  func difference(_ found: RuntimeValue, _ expected: RuntimeValue) -> String? {
    switch (found, expected) {
    case (.tensor(let a), .tensor(let b)): difference(a, b)
    case (.sequence(let a), .sequence(let b)):
      a.count != b.count
        ? "\(a.count) items instead of \(b.count)"
        : zip(a, b).lazy.compactMap { difference($0, $1) }.first
    case (.optional(let a?), .optional(let b?)): difference(a, b)
    case (.optional(nil), .optional(nil)): nil
    case (let a, .optional(let b?)): difference(a, b)
    case (.optional(let a?), let b): difference(a, b)
    default: "another kind of value"
    }
  }

  func difference(_ found: Tensor, _ expected: Tensor) -> String? {
    guard found.elementType == expected.elementType else {
      return "\(found.elementType) instead of \(expected.elementType)"
    }
    guard found.shape == expected.shape else {
      return "shape \(found.shape) instead of \(expected.shape)"
    }
    guard let a = numbers(found), let b = numbers(expected) else {
      return found == expected ? nil : "other elements"
    }
    // Two units in the last place of the half-precision types; ONNX's runner allows them too.
    let relative =
      switch found.elementType {
      case .bfloat16: 0x1p-6
      case .float16: max(relative, 0x1p-9)
      default: relative
      }
    for (index, (x, y)) in zip(a, b).enumerated() where !(x.isNaN && y.isNaN) && x != y {
      if !((x - y).magnitude <= absolute + relative * y.magnitude) {
        return "\(x) instead of \(y) at \(index) of \(found.shape)"
      }
    }
    return nil
  }

  private func numbers(_ tensor: Tensor) -> [Double]? {
    guard tensor.elementType.isFloatingPoint else { return nil }
    return TypeConversion().convert(tensor, to: .float64)?.elements(of: Double.self)
  }
}

extension Tensor {
  fileprivate func reinterpreted(as type: ElementType) -> Tensor {
    Tensor(elementType: type, shape: shape, storage: storage)
  }
}
