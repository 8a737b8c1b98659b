import GraphIR
import Tensors

/// Cosine windows: HannWindow, HammingWindow, BlackmanWindow.
enum WindowOperators {
  static let definitions: [OperatorDefinition] = [
    define("HannWindow", [0.5, -0.5]),
    define("HammingWindow", [25.0 / 46, -21.0 / 46]),
    define("BlackmanWindow", [0.42, -0.5, 0.08]),
  ]

  /// `w[n] = sum over i of coefficients[i] * cos(2 pi i n / N)`.
  private static func define(_ name: String, _ coefficients: [Double]) -> OperatorDefinition {
    .tensors(name) { node in
      let type = try node.elementType("output_datatype") ?? .float32
      let periodic = try node.flag("periodic", default: true)
      return { inputs, _ in
        guard let size = try inputs.integer(0), (0...1 << 28).contains(size) else {
          throw inputs.failure("the window size must lie in 0...\(1 << 28)")
        }
        let period = Double(max(periodic ? size : size - 1, 1))
        let values = (0..<size).map { sample in
          coefficients.enumerated().reduce(0.0) { sum, term in
            sum + term.element * .cos(2 * .pi * Double(term.offset * sample) / period)
          }
        }
        return [try inputs.converted(Tensor(values, shape: [size]), to: type)]
      }
    }
  }
}
