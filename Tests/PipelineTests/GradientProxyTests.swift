import Foundation
import GraphIR
import ONNXFormat
import Parallelism
import Tensors
import TestSupport
import Testing

@testable import FloatRuntime
@testable import Pipeline

/// Gradients of real networks, as proxies ask for them.
@Suite struct GradientProxyTests {
  private static let networks: [(file: String, shapes: [String: [Int]])] = [
    ("cifar10-resnet20-bn", ["input": [1, 3, 32, 32]]),
    ("cifar10-resnet20", ["input": [1, 3, 32, 32]]),
    ("imagenet-mobilenetv1-0.75-224", ["input": [1, 3, 224, 224]]),
    ("mlperf-tiny-dscnn-kws-bn", ["input": [1, 1, 49, 10]]),
    ("mlperf-tiny-dscnn-kws", ["input": [1, 1, 49, 10]]),
    ("mlperf-tiny-resnet8-bn", ["input": [1, 3, 32, 32]]),
    ("mlperf-tiny-vww96-bn", ["input": [1, 3, 96, 96]]),
    ("ultraface-rfb-320-op13", ["input": [1, 3, 240, 320]]),
    ("ultraface-rfb-320", ["input": [1, 3, 240, 320]]),
    (
      "minilm-l6-v2",
      ["input_ids": [1, 16], "attention_mask": [1, 16], "token_type_ids": [1, 16]]
    ),
  ]

  /// With respect to the weights of all layers at once along a random direction, by central
  /// differences of a random projection of all outputs.
  @Test(arguments: networks)
  func agreesWithDifferences(file: String, shapes: [String: [Int]]) throws {
    guard let url = SharedFiles.file("models/\(file).onnx") else {
      print("skipped: no shared models/\(file).onnx")
      return
    }
    let model = try ONNXFile.load(path: url.path)
    let targets = model.graph.nodes.filter { ["Conv", "Gemm", "MatMul"].contains($0.op) }
      .compactMap { $0.input(1) }.filter { model.graph.initializers[$0]?.elementType == .float32 }
    let pool = WorkerPool(threadCount: 2)
    let engine = try GradientEngine(model: model, of: Set(targets), pool: pool)
    let inputs = shapes.mapValues { shape -> Tensor in
      let count = Tensor.count(of: shape)
      return shapes.count == 1
        ? Tensor(normalValues(count, seed: 3), shape: shape)
        : Tensor([Int64](repeating: 1, count: count), shape: shape)
    }
    let run = try engine.run(inputs)
    var seeds: [String: Tensor] = [:]
    for output in model.graph.outputs {
      let value = try #require(run[output.name])
      seeds[output.name] = Tensor(normalValues(value.count, seed: 5), shape: value.shape)
    }
    let gradients = try engine.gradients(of: run, seeds: seeds)
    #expect(gradients.count == Set(targets).count)
    var directions: [String: [Float]] = [:]
    var analytic = 0.0
    for (index, name) in Set(targets).sorted().enumerated() {
      let weight = try #require(model.graph.initializers[name]).elements(of: Float.self)
      // Along the weights with signs that favour one side: larger than what kinks and rounding do.
      let gradient = try #require(gradients[name]).elements(of: Float.self)
      let noise = normalValues(weight.count, seed: UInt64(index + 11))
      let direction = weight.indices.map { entry in
        abs(weight[entry]) * ((gradient[entry] < 0 ? -1 : 1) + 0.5 * noise[entry])
      }
      directions[name] = direction
      analytic += zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    func loss(_ step: Float) throws -> Double {
      var replacing: [String: Tensor] = [:]
      for (name, direction) in directions {
        let weight = try #require(model.graph.initializers[name])
        replacing[name] = Tensor(
          zip(weight.elements(of: Float.self), direction).map { $0 + step * $1 },
          shape: weight.shape)
      }
      let moved = try engine.run(run, replacing: replacing)
      return try seeds.reduce(0) { sum, seed in
        let value = try #require(moved[seed.key]).elements(of: Float.self)
        return sum
          + zip(value, seed.value.elements(of: Float.self)).reduce(0) {
            $0 + Double($1.0) * Double($1.1)
          }
      }
    }
    let step: Float = 3e-5
    let numeric = try (loss(step) - loss(-step)) / (2 * Double(step))
    #expect(abs(numeric - analytic) <= 0.03 * abs(analytic), "\(analytic), \(numeric)")
  }
}
