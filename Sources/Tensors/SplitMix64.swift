import Foundation

/// The same numbers for a seed on every machine. Source: G. L. Steele, D. Lea, C. H. Flood, "Fast
/// splittable pseudorandom number generators", 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In `0..<count`; 0 where there is nothing to choose.
  public mutating func draw(_ count: Int) -> Int {
    Int((next() >> 11) % UInt64(max(count, 1)))
  }

  /// In `[0, 1)`.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  public mutating func sign() -> Float { next() >> 63 == 0 ? 1 : -1 }

  /// Of the standard normal distribution, after Box and Muller.
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * .pi * unit())
  }
}
