import FloatRuntime
import Foundation
import GraphIR
import Tensors

/// How far a plan's network is from the float network.
struct PlanOutcome: Codable, Equatable {
  /// Fraction of the samples with the same class; nil where the outputs are no classes.
  var agreement: Double?
  /// Mean Kullback-Leibler divergence in nats; nil where the outputs are no classes.
  var divergence: Double?
  /// Relative squared error of the first output; nil where it holds no numbers.
  var noise: Double?

  /// What predictions are compared with.
  var damage: Double? { divergence ?? noise }

  private enum CodingKeys: String, CodingKey {
    case agreement, noise
    case divergence = "kl"
  }
}

/// Runs quantized networks on samples that neither rounding nor proxies have seen.
struct PlanMeasurement {
  let feeds: [[String: Tensor]]
  let expected: [[String: RuntimeValue]]
  private let outputs: [String]
  private let threads: Int

  init(reference model: Model, feeds: [[String: Tensor]], threads: Int) throws {
    let engine = try ModelEngine(.float, model: model, threads: threads)
    self.feeds = feeds
    self.threads = threads
    outputs = model.graph.outputs.map(\.name)
    expected = try feeds.map { try engine.run($0) }
  }

  func outcome(of quantized: Model) throws -> PlanOutcome {
    let engine = try ModelEngine(
      EngineKind(for: quantized), model: quantized, threads: threads)
    var tally = EvaluationTally(outputs: outputs, labels: nil)
    for (feed, reference) in zip(feeds, expected) {
      try tally.add(try engine.run(feed), reference: reference, samples: 1)
    }
    let report = tally.report(preprocessing: Preprocessing())
    return PlanOutcome(
      agreement: report.agreement, divergence: report.divergence,
      noise: report.sqnrDecibels.map { pow(10, -$0 / 10) })
  }

  /// `wanted` samples, evenly spread over those that calibration with `calibrated` does not see.
  static func heldOut(count: Int, calibrated: Int, wanted: Int) -> [Int] {
    let seen = Set(SampleSource.spread(calibrated, of: count))
    let others = (0..<count).filter { !seen.contains($0) }
    return SampleSource.spread(wanted, of: others.count).map { others[$0] }
  }
}
