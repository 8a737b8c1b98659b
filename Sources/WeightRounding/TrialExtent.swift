/// How much is tried on samples that were held back, so that the whole stays within the time of an
/// effort. It depends on the work there is, never on the clock: results are the same anywhere.
public struct TrialExtent: Sendable, Equatable {
  /// Widths at which the damage of a layer is measured; that of others is inferred.
  public var widths: [Int]
  /// Parts into which the samples are split to judge layers.
  public var folds: Int
  /// Samples of each part that are judged.
  public var heldSamples: Int
  /// Parts that are rounded and judged to compare whole plans.
  public var planFolds: Int
  /// How plans are rounded to compare them.
  public var planEffort: RoundingEffort
  /// Random plans that are rounded and judged to learn what layers do together.
  public var randomPlans: Int

  private static let mostRandomPlans = 128
  /// Fewer say nothing of single layers.
  private static let fewestRandomPlans = 16
  /// Each sample and a variant of it in float and rounded, the moments of that, and the sample that is
  /// judged with its variants.
  private static let passesOfRandomPlan = 12.0

  /// For samples that take `work` each.
  public init(effort: RoundingEffort, bits: [Int], samples: Int, work: LayerArithmetic) {
    self.init(
      effort: effort, bits: bits, layers: work.layers, samples: samples, macs: work.macs)
  }

  /// - Parameters:
  ///   - macs: multiply-accumulates of one sample, all layers.
  init(effort: RoundingEffort, bits: [Int], layers: Int, samples: Int, macs: Int) {
    let narrow = bits.filter { $0 <= 5 }.sorted()
    widths = narrow.isEmpty ? Array(bits.sorted().prefix(1)) : narrow
    folds = effort == .best ? 8 : 4
    planFolds = effort == .best ? 4 : 2
    planEffort = effort == .best ? .balanced : effort
    heldSamples = max(1, (samples + folds - 1) / folds)
    let limit = Double(effort.trialArithmetic)
    let plans = Int(limit / (Self.passesOfRandomPlan * Double(max(samples * macs, 1))))
    // The fast effort rounds each layer by itself: none makes up for another.
    randomPlans =
      effort == .fast || plans < Self.fewestRandomPlans ? 0 : min(plans, Self.mostRandomPlans)
    // On average half of the network runs behind a layer.
    func arithmetic(_ widths: Int, _ held: Int, _ folds: Int) -> Double {
      Double(layers) * Double(widths) * Double(held) * Double(folds) * Double(macs) / 2
    }
    guard arithmetic(widths.count, heldSamples, folds) > limit else { return }
    // The ends of the range fix the curve between them.
    if widths.count > 2 { widths = [widths[0], widths[min(2, widths.count - 1)]] }
    folds = 2
    planFolds = 1
    planEffort = .fast
    heldSamples = max(1, (samples + 1) / 2)
    while heldSamples > 1, arithmetic(widths.count, heldSamples, folds) > limit { heldSamples -= 1 }
  }
}
