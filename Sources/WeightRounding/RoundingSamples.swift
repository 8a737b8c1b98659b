public import Tensors

/// What weights are rounded on: calibration samples and variants of them. Nothing is judged on a
/// sample that the rounding has seen, or has seen a variant of.
public struct RoundingSamples: Sendable {
  /// Inputs by name: the samples, then one variant of each, then another.
  public let feeds: [[String: Tensor]]
  /// How many of them are samples.
  public let count: Int
  /// Whether variants are such as the network may meet, so that plans may be judged by them too.
  public let areLifelike: Bool

  /// Each of `variants` holds one for every sample.
  public init(
    _ samples: [[String: Tensor]], variants: [[[String: Tensor]]] = [], areLifelike: Bool = false
  ) {
    precondition(variants.allSatisfy { $0.count == samples.count })
    feeds = samples + variants.joined()
    count = samples.count
    self.areLifelike = areLifelike
  }

  /// Those at the positions that are samples, or variants up to the one of that number.
  func feeds(of positions: [Int], variants: Int) -> [[String: Tensor]] {
    positions.filter { $0 / count <= variants }.map { feeds[$0] }
  }

  /// The samples without their variants.
  public var originals: [[String: Tensor]] { Array(feeds.prefix(count)) }
}
