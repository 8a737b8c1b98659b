import Tensors

/// What values of an input occur.
struct ValueBounds {
  private(set) var low = Float.infinity
  private(set) var high = -Float.infinity

  init(_ tensors: [Tensor]) {
    for tensor in tensors {
      tensor.withElements(of: Float.self) { values in
        for value in values { (low, high) = (min(low, value), max(high, value)) }
      }
    }
  }

  var distance: Float { high - low }

  func clamped(_ value: Float) -> Float { min(max(value, low), high) }
}
