import BitAllocation
import ONNXFormat
import ProxySearch
import Quantization

/// Random plans of a network, really quantized and measured on samples that calibration does not see:
/// what formulas are judged against.
struct PlanBenchmark {
  struct Plan {
    var bits: [Int]
    var outcome: PlanOutcome
    var damage: Double
  }

  /// Plans of one size.
  struct Size {
    var averageBits: Double
    var plans: [Plan]
  }

  let study: QuantizationStudy
  let heldOutSamples: Int
  private(set) var trials: PlanTrials
  private(set) var budgets: [Size] = []

  /// Prepares the network; nothing is measured yet. `cache` is the folder of outcomes and statistics,
  /// nil for the user's.
  init(
    _ options: QuantizeOptions, heldOut: Int, cache: String?,
    progress: @escaping (String, Int, Int) -> Void
  ) throws {
    var options = options
    // Any proxy that costs nothing: what it says of plans is not looked at.
    options.proxy = try ProxyLibrary.proxy("sum-bits")
    let folder = cache ?? CacheFolder.standard
    options.cache = folder
    let model = try ONNXFile.load(path: options.model)
    let source = try SampleSource(
      options.calibration, model: model, preprocessing: options.preprocessing)
    let indices = PlanMeasurement.heldOut(
      count: source.count, calibrated: options.samples, wanted: heldOut)
    guard !indices.isEmpty else {
      throw ProxyScoreError.noHeldOutSamples(
        source: source.name, count: source.count, calibrated: min(options.samples, source.count))
    }
    heldOutSamples = indices.count
    study = try QuantizationStudy(
      model, source: source, options: options, everyWidth: true, progress: progress)
    let measurement = try PlanMeasurement(
      reference: study.model, feeds: indices.map { try source.feed($0) },
      threads: options.threads)
    trials = try PlanTrials(
      study: study, measurement: measurement, folder: folder)
  }

  /// Measures `count` random plans of each size; sizes with fewer than three of them are left out.
  mutating func measure(
    averageBits: [Double], count: Int, progress: (String, Int, Int) -> Void
  ) throws {
    let path = study.options.model
    var random = RandomPlans(layers: trials.layers, seed: study.options.seed)
    let drawn = averageBits.map { (bits: $0, plans: random.plans(averageBits: $0, count: count)) }
      .filter { $0.plans.count >= 3 }
    guard !drawn.isEmpty else {
      throw ProxyScoreError.noPlans(model: path, budgets: averageBits)
    }
    let total = drawn.reduce(0) { $0 + $1.plans.count }
    var done = 0
    for (bits, plans) in drawn {
      var measured: [Plan] = []
      for plan in plans {
        let outcome = try outcome(plan)
        guard let damage = outcome.damage else {
          throw ProxyScoreError.nothingToCompare(model: path)
        }
        measured.append(Plan(bits: plan, outcome: outcome, damage: damage))
        done += 1
        progress("measuring plans of \(path)", done, total)
      }
      budgets.append(Size(averageBits: bits, plans: measured))
    }
  }

  mutating func outcome(_ bits: [Int]) throws -> PlanOutcome { try trials.outcome(bits) }

  /// What becomes of the plans that a table of damage leads to, one for each set of limits.
  mutating func outcomes(
    _ table: SensitivityTable, limits: [[Budget.Limit]]
  ) throws -> [PlanOutcome] {
    let names = study.layers.map(\.name)
    let completed = table.completed(study.choice.precisions, names: names)
    return try limits.map { limits in
      let plan = try study.choice.allocate(completed, limits: limits)
      return try outcome(trials.layers.map { plan.bits[$0.name] ?? 8 })
    }
  }

  /// What a table of damage says of the plans, budget after budget.
  func predictions(_ table: SensitivityTable) -> [[Double]] {
    let damage = Dictionary(
      table.layers.map { ($0.name, $0.damage) }, uniquingKeysWith: { first, _ in first })
    return budgets.map { budget in
      budget.plans.map { plan in
        zip(trials.layers, plan.bits).reduce(0) { $0 + (damage[$1.0.name]?[$1.1] ?? 0) }
      }
    }
  }
}
