import Foundation

/// Integers that are learned: each is the lower or the upper of the two around a weight, and on the
/// way there something between, `lower + h(v)`, where `v` follows a gradient.
///
/// `h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1)` and a penalty `1 - |2h - 1|^beta` whose exponent falls
/// from 20 to 2, so that every `h` ends at 0 or 1; `v` moves by Adam. Source: M. Nagel, R. A. Amjad,
/// M. van Baalen, C. Louizos, T. Blankevoort, "Up or down? Adaptive rounding for post-training
/// quantization", 2020.
struct SoftRounding {
  let lower: [Float]
  /// `h`, by weight.
  private(set) var shares: [Float]
  private var values: [Float]
  private var adam: Adam
  private var step = 0
  private let steps: Int
  /// The mean magnitude of the loss's gradient while nothing is penalized yet: the unit in which the
  /// penalty counts.
  private var unit: Float = 0

  /// Steps, as a share of all, before the penalty begins.
  private static let warmUp: Float = 0.2
  /// How much the penalty counts at the end.
  private static let penalty: Float = 3
  private static let exponents: (first: Float, last: Float) = (20, 2)
  /// How far known integers decide where the shares begin; the rest is where the weight lies.
  private static let trust: Float = 0.85

  /// Between the integers around `weights / scale`, of which one is the known integer; `scale` is that
  /// of each weight, `range` that of the integers.
  init(
    weights: [Float], scales: [Float], integers: [Int8], range: ClosedRange<Int>, steps: Int
  ) {
    self.steps = max(steps, 1)
    let count = weights.count
    var (lower, shares) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
    let last = Float(range.upperBound - 1)
    for index in 0..<count {
      let known = Float(integers[index])
      let exact = weights[index] / scales[index]
      lower[index] = min(max(exact < known ? known - 1 : known, Float(range.lowerBound)), last)
      let place = min(max(exact - lower[index], 0), 1)
      shares[index] = Self.trust * (known - lower[index]) + (1 - Self.trust) * place
    }
    self.lower = lower
    values = shares.map { share in
      let inner = (min(max(share, 0.01), 0.99) + 0.1) / 1.2
      return log(inner / (1 - inner))
    }
    self.shares = shares
    adam = Adam(count: count, squaresDecay: 0.99)
    refresh()
  }

  /// The integers as they would be now.
  var integers: [Int8] {
    zip(lower, shares).map { Int8(clamping: Int($0 + ($1 >= 0.5 ? 1 : 0))) }
  }

  /// One step against `gradient`, that of the loss with respect to the shares.
  mutating func descend(_ gradient: [Float]) {
    step += 1
    let progress = Float(step) / Float(steps)
    let size = gradient.reduce(0) { $0 + abs($1) } / Float(max(gradient.count, 1))
    var weight: Float = 0
    var exponent = Self.exponents.first
    if progress <= Self.warmUp || unit == 0 {
      unit += (size - unit) / Float(step)
    } else {
      let rest = (progress - Self.warmUp) / (1 - Self.warmUp)
      weight = Self.penalty * rest * unit
      exponent += (Self.exponents.last - exponent) * rest
    }
    let rate = min(max(8 / Float(steps), 0.01), 0.1)
    let slopes = values.indices.map { index in
      let distance = 2 * shares[index] - 1
      let pull =
        weight == 0
        ? 0
        : -2 * exponent * pow(abs(distance), exponent - 1) * (distance < 0 ? -1 : 1)
      let sigmoid = 1 / (1 + exp(-values[index]))
      let slope = 1.2 * sigmoid * (1 - sigmoid)
      return (gradient[index] + weight * pull) * slope
    }
    values.withUnsafeMutableBufferPointer { values in
      slopes.withUnsafeBufferPointer { slopes in
        adam.descend(slopes, rate: rate) { values[$0] -= $1 }
      }
    }
    refresh()
  }

  private mutating func refresh() {
    for index in values.indices {
      shares[index] = min(max(1.2 / (1 + exp(-values[index])) - 0.1, 0), 1)
    }
  }
}
