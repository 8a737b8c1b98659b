import FloatRuntime
import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

/// The `light_*` networks of the onnx Python package (`onnx/backend/test/data/light`): real
/// architectures with generated weights, and their outputs.
struct LightNetworkTests {
  static let folder = ProcessInfo.processInfo.environment["TAPQ_LIGHT_MODELS"].map {
    URL(fileURLWithPath: $0)
  }

  static let networks: [String] = {
    let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) }
    return (files ?? []).filter { $0.hasPrefix("light_") && $0.hasSuffix(".onnx") }.sorted()
  }()

  @Test("Nine networks", .enabled(if: folder != nil, "TAPQ_LIGHT_MODELS is not set"))
  func complete() { #expect(Self.networks.count == 9) }

  @Test(
    "Light network", .enabled(if: folder != nil, "TAPQ_LIGHT_MODELS is not set"),
    arguments: networks)
  func agrees(file: String) throws {
    let path = try #require(Self.folder).appendingPathComponent(file)
    let model = try ONNXFile.load(path: path.path)
    var inputs: [String: RuntimeValue] = [:]
    for input in model.graph.requiredInputs { inputs[input.name] = .tensor(try ramp(input)) }
    let outputs = try FloatEngine(model: model).run(inputs)
    for (index, output) in model.graph.outputs.enumerated() {
      let stem = path.deletingPathExtension().lastPathComponent
      let stored = path.deletingLastPathComponent().appendingPathComponent(
        "\(stem)_output_\(index).pb")
      let expected = try TensorProtoFile.load(path: stored.path)
      let found = try #require(outputs[output.name])
      let tolerance = Tolerance(relative: 1e-3, absolute: 1e-7)
      #expect(tolerance.difference(found, .tensor(expected)) == nil)
    }
  }

  /// The input of ONNX's runner: 0, 1/n, 2/n, ... in the input's shape, unknown axes 1.
  private func ramp(_ input: ValueInfo) throws -> Tensor {
    guard case .tensor(.float32, let dimensions?) = input.type else {
      throw RuntimeError.inputMissing(name: input.name)
    }
    let shape = dimensions.map { $0.size ?? 1 }
    let count = Tensor.count(of: shape)
    return Tensor((0..<count).map { Float(Double($0) / Double(count)) }, shape: shape)
  }
}
