public import Tensors

/// What weights are rounded on: calibration samples and variants of them. A plan is judged on
/// samples alone, and never on one that the rounding has seen a variant of.
public struct RoundingSamples: Sendable {
  /// Inputs by name: the samples, then one variant of each, then another.
  public let feeds: [[String: Tensor]]
  /// How many of them are samples.
  public let count: Int

  /// Each of `variants` holds one for every sample.
  public init(_ samples: [[String: Tensor]], variants: [[[String: Tensor]]] = []) {
    precondition(variants.allSatisfy { $0.count == samples.count })
    feeds = samples + variants.joined()
    count = samples.count
  }

  /// The samples with at most `variants` of each.
  public func limited(toVariants variants: Int) -> RoundingSamples {
    RoundingSamples(feeds: Array(feeds.prefix((1 + variants) * count)), count: count)
  }

  private init(feeds: [[String: Tensor]], count: Int) {
    self.feeds = feeds
    self.count = count
  }

  /// The samples without their variants.
  public var originals: [[String: Tensor]] { Array(feeds.prefix(count)) }
}
