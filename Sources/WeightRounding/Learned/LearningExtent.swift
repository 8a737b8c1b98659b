/// How many steps learning takes, so that it stays within the time of an effort; by the work there is,
/// never by the clock.
struct LearningExtent {
  /// Fewer steps than these learn nothing.
  private static let fewest = 20
  /// A step forward and back, to a step forward.
  private static let passes = 3.0

  /// Of every layer, where layers are learned one by one.
  let steps: Int

  init(_ settings: RoundingSettings, layers: [SequentialRounding.Placed]) {
    guard settings.method == .adaround else {
      steps = 0
      return
    }
    let work = layers.reduce(0.0) {
      let length = Double($1.layer.rows.length)
      return $0 + Double($1.layer.rows.count) * length * length
    }
    steps = Self.limited(settings.effort, work: work, share: 1)
  }

  /// Of a block that takes `macs` multiply-accumulates a sample and `share` of the time.
  static func steps(_ effort: RoundingEffort, macs: Int, share: Double) -> Int {
    limited(effort, work: passes * Double(macs * BlockReconstruction.batch), share: share)
  }

  private static func limited(_ effort: RoundingEffort, work: Double, share: Double) -> Int {
    let possible = Double(effort.learningArithmetic) * share / max(work, 1)
    let steps = Int(min(possible, Double(effort.learningSteps)))
    return steps < fewest ? 0 : steps
  }
}

/// Which samples blocks are learned on, and on which they are judged.
struct BlockSplit {
  let training: [Int]
  let held: [Int]

  /// Every fourth sample is held back, with its variants; of fewer than four, none.
  init(samples: Int, originals: Int) {
    let originals = max(min(originals, samples), 1)
    let all = Array(0..<samples)
    guard originals >= 4 else {
      (training, held) = (all, all)
      return
    }
    training = all.filter { $0 % originals % 4 != 3 }
    held = all.filter { $0 % originals % 4 == 3 }
  }
}
