/// Why calibration failed; by value and sample.
public enum CalibrationError: Error, Equatable, Sendable {
  case noSamples
  case notFinite(value: String, sample: Int)
  case notObserved(value: String)
  case elementType(value: String, found: String)
  case layerInput(layer: String, problem: String)
}

extension CalibrationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noSamples: "calibration needs at least one sample"
    case .notFinite(let value, let sample):
      "value '\(value)' holds NaN or infinity for calibration sample \(sample): "
        + "check the samples and their preprocessing"
    case .notObserved(let value): "value '\(value)' was never computed during calibration"
    case .elementType(let value, let found):
      "value '\(value)' is \(found), only float activations are quantized"
    case .layerInput(let layer, let problem): "layer '\(layer)': \(problem)"
    }
  }
}
