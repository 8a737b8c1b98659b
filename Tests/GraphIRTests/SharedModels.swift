import Foundation
import ONNXFormat
import Tensors
import TestSupport
import Testing

@testable import GraphIR

/// The networks beside the repository, with shapes for their open dimensions.
struct SharedModel: CustomTestStringConvertible, Sendable {
  let path: String

  var testDescription: String { URL(fileURLWithPath: path).lastPathComponent }

  static let all: [SharedModel] = {
    guard let folder = SharedFiles.file("models"),
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    else { return [] }
    return names.filter { $0.hasSuffix(".onnx") }.sorted().map {
      SharedModel(path: folder.path + "/" + $0)
    }
  }()

  static func named(_ name: String) -> SharedModel? {
    all.first { $0.testDescription == name + ".onnx" }
  }

  func load() throws -> Model { try ONNXFile.load(path: path) }

  /// One sample; sequences of 12 tokens or of 512 + 64 audio samples.
  static func inputShapes(_ model: Model) -> [String: [Int]] {
    let symbols = ["S": 12, "sequence": 576]
    return Dictionary(
      uniqueKeysWithValues: model.graph.requiredInputs.map { input in
        guard case .tensor(_, let shape?) = input.type else { return (input.name, []) }
        return (
          input.name,
          shape.map {
            switch $0 {
            case .fixed(let size): size
            case .symbolic(let name): symbols[name] ?? 1
            case .unknown: 1
            }
          }
        )
      })
  }

  /// Reproducible inputs: floats between -1 and 1, integers 0 or 1, 16 kHz where one is asked for.
  static func inputs(_ model: Model) -> [String: Tensor] {
    let shapes = inputShapes(model)
    var state: UInt64 = 1
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 40)
    }
    var result: [String: Tensor] = [:]
    for input in model.graph.requiredInputs {
      guard case .tensor(let type, _) = input.type, let shape = shapes[input.name] else { continue }
      let count = Tensor.count(of: shape)
      if type == .float32 {
        result[input.name] = Tensor(
          (0..<count).map { _ in Float(next() % 2001 - 1000) / 1000 }, shape: shape)
      } else {
        let values = input.name == "sr" ? [16000] : (0..<count).map { _ in next() % 2 }
        result[input.name] = Tensor(integers: values, elementType: type, shape: shape)
      }
    }
    return result
  }
}
