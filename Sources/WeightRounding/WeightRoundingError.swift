/// Why weights cannot be rounded, by layer and value.
public enum WeightRoundingError: Error, Equatable, Sendable {
  case noSamples
  case layerMissing(layer: String, weight: String)
  case valueMissing(layer: String, value: String)
  case outputCount(layer: String, expected: Int, found: Int)
}

extension WeightRoundingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSamples: "rounding needs at least one calibration sample"
    case .layerMissing(let layer, let weight):
      "layer '\(layer)': no node of the network multiplies by weight '\(weight)'"
    case .valueMissing(let layer, let value):
      "layer '\(layer)': its value '\(value)' is not a float tensor for every calibration sample"
    case .outputCount(let layer, let expected, let found):
      "layer '\(layer)' gives \(found) values where its weight makes \(expected)"
    }
  }
}
