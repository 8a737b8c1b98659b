import FloatRuntime
import Foundation
import Tensors
import Testing

@testable import GraphIR

/// Rewrites of real networks, judged by running them.
@Suite struct SharedModelTests {
  private static let haveModels = !SharedModel.all.isEmpty

  private final class Shapes: @unchecked Sendable {
    private let lock = NSLock()
    private var table: [String: Tensor] = [:]
    func record(_ name: String, _ tensor: Tensor) { lock.withLock { table[name] = tensor } }
    var all: [String: Tensor] { lock.withLock { table } }
  }

  private func run(_ model: Model, observer: ValueObserver? = nil) throws -> [String: Tensor] {
    let names = Set(model.graph.nodes.flatMap(\.outputs))
    let engine = try FloatEngine(
      model: model, threads: 1, observing: observer == nil ? [] : names)
    let inputs = SharedModel.inputs(model).mapValues { RuntimeValue.tensor($0) }
    return try engine.run(inputs, observer: observer).compactMapValues {
      if case .tensor(let tensor) = $0 { tensor } else { nil }
    }
  }

  private func difference(_ left: [String: Tensor], _ right: [String: Tensor]) -> Float {
    guard left.keys == right.keys else { return .infinity }
    var worst: Float = 0
    for (name, tensor) in left {
      guard let other = right[name], other.shape == tensor.shape else { return .infinity }
      guard tensor.elementType == .float32 else { continue }
      let a: [Float] = tensor.elements()
      let b: [Float] = other.elements()
      let scale = a.reduce(1e-3) { max($0, abs($1)) }
      for (x, y) in zip(a, b) { worst = max(worst, abs(x - y) / scale) }
    }
    return worst
  }

  @Test(.enabled(if: haveModels, "no ../shared/models"), arguments: SharedModel.all)
  func inferredShapesAreThoseOfARun(shared: SharedModel) throws {
    let model = try shared.load()
    let inferred = try ShapeInference.infer(model, inputShapes: SharedModel.inputShapes(model))
    let seen = Shapes()
    _ = try run(model) { seen.record($0, $1) }
    var compared = 0
    for (name, tensor) in seen.all {
      guard case .tensor(let type, let shape?) = inferred[name] else { continue }
      #expect(type == tensor.elementType, "\(name)")
      guard shape.count == tensor.rank else {
        Issue.record("\(name): inferred \(shape.text), is \(tensor.shape)")
        continue
      }
      for (dimension, size) in zip(shape, tensor.shape) {
        if let known = dimension.size { #expect(known == size, "\(name): \(shape.text)") }
      }
      compared += 1
    }
    #expect(compared > seen.all.count * 9 / 10)
    if shared.testDescription.hasPrefix("silero") { return }
    for node in model.graph.nodes {
      guard case .tensor(_, let shape?) = inferred[node.identity], shape.fixed != nil else {
        Issue.record("\(node.label): shape not found")
        continue
      }
    }
  }

  @Test(.enabled(if: haveModels, "no ../shared/models"), arguments: SharedModel.all)
  func rewritesKeepTheResult(shared: SharedModel) throws {
    let model = try shared.load()
    let original = try run(model)
    for shapes in [SharedModel.inputShapes(model), [:]] {
      let rewritten = try model.applying([
        .sortTopologically, .foldConstants(inputShapes: shapes), .removeIdentities,
        .foldBatchNormalization, .removeDeadNodes,
      ])
      #expect(difference(original, try run(rewritten)) < 1e-4)
      #expect(rewritten.graph.nodes.allSatisfy { $0.op != "BatchNormalization" })
      #expect(rewritten.graph.nodes.count <= model.graph.nodes.count)
      if !shapes.isEmpty, !shared.testDescription.hasPrefix("silero") {
        #expect(rewritten.graph.nodes.allSatisfy { $0.op != "Shape" })
      }
    }
  }

  @Test(.enabled(if: haveModels, "no ../shared/models"))
  func symbolsPassThroughATransformer() throws {
    let model = try #require(SharedModel.named("minilm-l6-v2")).load()
    let types = try ShapeInference.infer(model)
    let output = try #require(model.graph.outputs.first)
    guard case .tensor(.float32, let shape?) = types[output.name] else {
      Issue.record("no shape")
      return
    }
    #expect(shape.first == .symbolic("N"))
    let attention = model.graph.nodes.filter { $0.op == "Softmax" }
    #expect(attention.count == 6)
    for node in attention {
      #expect(
        types[node.identity]
          == .tensor(
            .float32, shape: [.symbolic("N"), .fixed(12), .symbolic("S"), .symbolic("S")]))
    }
  }
}
