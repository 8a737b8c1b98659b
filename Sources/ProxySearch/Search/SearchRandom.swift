/// SplitMix64: the same numbers for a seed on every machine.
public struct SearchRandom: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  /// A stream of its own for each place in a search.
  init(seed: Int, _ place: Int...) {
    self.init(seed: UInt64(bitPattern: Int64(seed)))
    for part in place {
      state = bits() ^ UInt64(bitPattern: Int64(part)) &* 0xD6E8_FEB8_6659_FD93
    }
  }

  public mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In `0..<1`.
  mutating func unit() -> Double { Double(bits() >> 11) / Double(1 << 53) }

  mutating func draw(_ count: Int) -> Int { Int((bits() >> 11) % UInt64(max(count, 1))) }

  mutating func one<Value>(of values: [Value]) -> Value { values[draw(values.count)] }

  /// A position, as likely as its weight.
  mutating func weighted(_ weights: [Double]) -> Int {
    var rest = unit() * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return index }
    }
    return max(weights.count - 1, 0)
  }
}
