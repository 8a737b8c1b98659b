import FloatRuntime
import Foundation
import GraphIR
import Tensors

/// The loss that proxies differentiate, without labels.
///
/// Class scores: cross entropy with classes drawn from the network's own distribution, which makes the
/// mean outer product of the gradients an estimate of the Fisher matrix. Other outputs: half the
/// squared error over the output's power, with targets drawn about the output, which does the same
/// for the Gauss-Newton matrix.
struct ProxyLoss {
  /// Values that gradients start from: logits, even where a Softmax follows them, or all outputs.
  let sources: [String]
  private let seed: UInt64
  private let areClasses: Bool

  /// Those of a classifier.
  static func likelySources(of model: Model) -> [String] {
    model.graph.outputs.prefix(1).map { logits(of: $0.name, in: model) ?? $0.name }
  }

  /// What a Softmax makes the output of.
  private static func logits(of output: String, in model: Model) -> String? {
    let node = model.graph.nodes.first { $0.outputs.contains(output) }
    return node.flatMap { $0.isOperator("Softmax") ? $0.input(0) : nil }
  }

  /// `outputs` are those of one sample.
  init(_ model: Model, outputs: [String: Tensor], seed: Int) {
    self.seed = UInt64(bitPattern: Int64(seed))
    let names = model.graph.outputs.map(\.name)
    guard let first = names.first, let tensor = outputs[first],
      tensor.elementType == .float32, let rows = ClassScores.rows(of: tensor)
    else {
      areClasses = false
      sources = names.filter { outputs[$0]?.elementType == .float32 }
      return
    }
    let isDistribution = rows.allSatisfy(ClassScores.isDistribution)
    if isDistribution, let logits = Self.logits(of: first, in: model) {
      (areClasses, sources) = (true, [logits])
    } else {
      (areClasses, sources) = (!isDistribution, [first])
    }
  }

  /// The loss's gradients with respect to the sources.
  func sampledSeeds(_ run: GradientRun, sample: Int) -> [String: Tensor] {
    seeds(run, sample: sample) { _, prediction, power, draw in
      guard areClasses else { return prediction.map { _ in draw.normal() / power.squareRoot() } }
      var threshold = draw.unit()
      let label = prediction.firstIndex {
        threshold -= $0
        return threshold < 0
      }
      return prediction.enumerated().map { $0.element - ($0.offset == label ? 1 : 0) }
    }
  }

  /// The same with targets that are what `base` predicts, so that all vanish there, and their change
  /// is that of the Gauss-Newton part of the Hessian.
  func seeds(_ run: GradientRun, from base: [String: [[Double]]]) -> [String: Tensor] {
    var row: [String: Int] = [:]
    return seeds(run, sample: 0) { name, prediction, _, _ in
      let index = row[name, default: 0]
      row[name] = index + 1
      let target = base[name]?[index] ?? prediction
      let scale = areClasses ? 1 : Self.power(target)
      return zip(prediction, target).map { ($0 - $1) / scale }
    }
  }

  func predictions(_ run: GradientRun) -> [String: [[Double]]] {
    sources.reduce(into: [:]) { $0[$1] = predictions($1, run) }
  }

  private func predictions(_ name: String, _ run: GradientRun) -> [[Double]] {
    guard let tensor = run[name] else { return [] }
    let values = tensor.elements(of: Float.self).map { Double($0) }
    guard areClasses, tensor.rank > 1 else { return [values] }
    let width = tensor.shape[1]
    return stride(from: 0, to: values.count, by: max(width, 1)).map {
      ClassScores.softmax(Array(values[$0..<$0 + width]))
    }
  }

  private static func power(_ values: [Double]) -> Double {
    let sum = values.reduce(0) { $0 + $1 * $1 }
    return sum > 0 ? sum : 1
  }

  private func seeds(
    _ run: GradientRun, sample: Int,
    _ row: (String, [Double], _ power: Double, inout SplitMix64) -> [Double]
  ) -> [String: Tensor] {
    var draw = SplitMix64(seed: seed &* 0x9E37_79B9 &+ UInt64(sample) &* 0xD1B5_4A32_D192_ED03)
    return sources.reduce(into: [:]) { result, name in
      guard let value = run[name] else { return }
      let rows = predictions(name, run)
      let values = rows.flatMap { row(name, $0, Self.power($0), &draw) }
      result[name] = Tensor(values.map { Float($0) }, shape: value.shape)
    }
  }
}
