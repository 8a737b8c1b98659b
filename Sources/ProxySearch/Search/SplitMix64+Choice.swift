import Tensors

extension SplitMix64 {
  /// A stream of its own for each place in a search.
  init(seed: Int, _ place: Int...) {
    self.init(seed: UInt64(bitPattern: Int64(seed)))
    for part in place {
      self = SplitMix64(seed: next() ^ UInt64(bitPattern: Int64(part)) &* 0xD6E8_FEB8_6659_FD93)
    }
  }

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
