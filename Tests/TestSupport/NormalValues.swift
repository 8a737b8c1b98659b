/// Roughly normal values, the same for a seed.
public func normalValues(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  func uniform() -> Float {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Float(state >> 40) / Float(1 << 24)
  }
  return (0..<count).map { _ in (0..<6).reduce(Float(-3)) { sum, _ in sum + uniform() } }
}
