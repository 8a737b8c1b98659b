import Foundation
import Tensors

/// Sums over the samples that compare one output of two networks.
struct NoiseStatistics {
  private var signal = 0.0
  private var noise = 0.0
  private(set) var largestDifference = 0.0

  mutating func add(_ values: [Double], reference: [Double]) {
    for (value, expected) in zip(values, reference) {
      let difference = value - expected
      signal += expected * expected
      noise += difference * difference
      largestDifference = max(largestDifference, abs(difference))
    }
  }

  /// `10 log10(signal / noise)`, at most `ceiling`, which stands for no difference at all.
  var decibels: Double {
    guard noise > 0 else { return NoiseStatistics.ceiling }
    guard signal > 0 else { return -NoiseStatistics.ceiling }
    return min(10 * log10(signal / noise), NoiseStatistics.ceiling)
  }

  static let ceiling = 200.0
}

/// Class scores of a row: logits, or probabilities already.
enum ClassScores {
  /// Rows of scores where the output looks like classes: `[N, C]`, or with further axes of size 1,
  /// of a float type and at least two classes.
  static func rows(of tensor: Tensor) -> [[Double]]? {
    guard tensor.rank >= 2, tensor.elementType.isFloatingPoint,
      tensor.shape.dropFirst(2).allSatisfy({ $0 == 1 }), tensor.shape[1] >= 2,
      let values = FloatConversion.values(of: tensor)
    else { return nil }
    let classes = tensor.shape[1]
    return (0..<tensor.shape[0]).map { Array(values[$0 * classes..<($0 + 1) * classes]) }
  }

  /// The first index of the largest score; a NaN is never the largest.
  static func winner(_ row: [Double]) -> Int {
    var best = 0
    for (index, value) in row.enumerated() where value > row[best] || row[best].isNaN {
      best = index
    }
    return best
  }

  /// Whether the row is a probability distribution already.
  static func isDistribution(_ row: [Double]) -> Bool {
    row.allSatisfy { $0 >= 0 } && abs(row.reduce(0, +) - 1) < 1e-3
  }

  static func softmax(_ row: [Double]) -> [Double] {
    let largest = row.max() ?? 0
    let powers = row.map { exp($0 - largest) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }

  /// `sum p log(p / q)`; entries of `q` below 1e-10 count as 1e-10.
  static func divergence(of q: [Double], from p: [Double]) -> Double {
    zip(p, q).reduce(0) { $1.0 > 0 ? $0 + $1.0 * log($1.0 / max($1.1, 1e-10)) : $0 }
  }
}
