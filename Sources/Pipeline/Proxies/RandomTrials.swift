import GraphIR
import Parallelism
import ProxySearch
import Quantization
import WeightRounding

/// Random plans, rounded whole and measured on calibration samples that their rounding has not seen:
/// what `fitted` formulas learn from.
struct RandomTrials {
  let model: Model
  /// Each weight once, with the widths that it may take.
  let layers: [(layer: RoundingLayer, widths: [Int])]
  let samples: RoundingSamples
  let settings: RoundingSettings
  let seed: Int
  let pool: WorkerPool

  /// Mean widths, as shares of the way from the narrowest to the widest.
  private static let shares = [1.0 / 6, 1.0 / 3, 1.0 / 2]

  /// Of a layer: what is left of roughly rounded plans is their differences.
  private static let momentArithmetic = 200_000_000
  /// Of each sample that is judged.
  private static let judgedVariants = 3
  /// Plans that are judged by variants too: each says more.
  private static let mostJudged = 64
  /// Plans of each thread between two reports of progress.
  private static let atOnce = 4

  /// None where there is no time for them.
  func run(progress: (Int, Int) -> Void) throws -> [CostlyFacts.Trial] {
    let widths = Set(layers.flatMap(\.widths)).sorted()
    guard let narrowest = widths.first, let widest = widths.last, narrowest < widest,
      let sample = samples.originals.first
    else { return [] }
    let work = try LayerArithmetic(layers.map(\.layer), model: model, sample: sample, pool: pool)
    var extent = TrialExtent(
      effort: settings.effort, bits: widths, samples: samples.count, work: work)
    guard extent.randomPlans > 0 else { return [] }
    let judgedVariants = samples.areLifelike ? Self.judgedVariants : 0
    extent.planFolds = 2
    extent.planEffort = .fast
    var settings = settings
    settings.mostMomentArithmetic = Self.momentArithmetic
    let trial = try PlanTrial(
      model: model, samples: samples, roundedVariants: 1,
      judgedVariants: judgedVariants, settings: settings, extent: extent, pool: pool)
    let plans = plans(
      averages: Self.shares.map { Double(narrowest) + $0 * Double(widest - narrowest) },
      count: judgedVariants > 0 ? min(extent.randomPlans, Self.mostJudged) : extent.randomPlans)
    var trials: [CostlyFacts.Trial] = []
    while trials.count < plans.count {
      let next = plans[trials.count...].prefix(Self.atOnce * pool.threadCount)
      nonisolated(unsafe) let trial = trial
      let layers = layers
      trials += try pool.map(next.count) { index in
        let plan = next[next.startIndex + index]
        let bits = Dictionary(
          zip(layers, plan).map { ($0.layer.weight, $1) }, uniquingKeysWith: { first, _ in first })
        return CostlyFacts.Trial(
          widths: plan,
          distances: try trial.distances(
            layers.map(\.layer), bits: bits, student: model))
      }
      progress(trials.count, plans.count)
    }
    return trials
  }

  /// Of all averages alike; others than those that proxies are judged by.
  private func plans(averages: [Double], count: Int) -> [[Int]] {
    var random = RandomPlans(
      layers: layers.map { layer, widths in
        .init(name: layer.name, weights: layer.rows.count * layer.rows.length, widths: widths)
      }, seed: ~seed)
    return averages.enumerated().flatMap { index, average in
      let parts = averages.count
      return random.plans(
        averageBits: average, count: count * (index + 1) / parts - count * index / parts)
    }
  }
}
