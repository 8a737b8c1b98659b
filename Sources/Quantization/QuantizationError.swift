/// Why a tensor cannot be quantized; by tensor name.
public enum QuantizationError: Error, Equatable, Sendable {
  case notFinite(tensor: String)
  case elementType(tensor: String, found: String)
  case axis(tensor: String, axis: Int, shape: [Int])
}

extension QuantizationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFinite(let tensor):
      "weight '\(tensor)' holds NaN or infinity: it cannot be quantized; repair the model"
    case .elementType(let tensor, let found):
      "weight '\(tensor)' is \(found): only float weights are quantized"
    case .axis(let tensor, let axis, let shape):
      "weight '\(tensor)' of shape \(shape) has no axis \(axis)"
    }
  }
}
