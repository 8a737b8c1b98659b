/// The range that a fused activation clips to; infinite ends leave values alone.
struct Clamp: Sendable, Hashable {
  var low: Float = -.infinity
  var high: Float = .infinity

  static let none = Clamp()
}
