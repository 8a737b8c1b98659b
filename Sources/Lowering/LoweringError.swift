/// Why a plan cannot be written as a graph, by layer and value name.
public enum LoweringError: Error, Equatable, Sendable {
  case unknownLayer(String)
  case unknownActivation(String)
  case activationMissing(value: String)
  case activationInvalid(value: String, problem: String)
  case activationsDiffer(value: String, source: String)
  case weightMissing(layer: String, weight: String)
  case weightInvalid(layer: String, weight: String, problem: String)
  case sharedBitsDiffer(weight: String, layers: [String])
  case accumulatorOverflow(layer: String, channel: Int)
  case nativeTwoBits(layers: [String])
}

extension LoweringError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownLayer(let name):
      "the plan quantizes layer '\(name)', but the model has no such Conv, Gemm or MatMul with a "
        + "constant weight"
    case .unknownActivation(let value):
      "the plan quantizes activation '\(value)', but no integer kernel reads or writes it"
    case .activationMissing(let value): "the plan has no parameters for activation '\(value)'"
    case .activationInvalid(let value, let problem): "activation '\(value)': \(problem)"
    case .activationsDiffer(let value, let source):
      "activation '\(value)' must have the parameters of '\(source)', whose data it copies"
    case .weightMissing(let layer, let weight):
      "layer '\(layer)': no quantized form of weight '\(weight)' is given"
    case .weightInvalid(let layer, let weight, let problem):
      "layer '\(layer)', weight '\(weight)': \(problem)"
    case .sharedBitsDiffer(let weight, let layers):
      "layers \(LoweringError.list(layers)) share weight '\(weight)' and need the same bits"
    case .accumulatorOverflow(let layer, let channel):
      "layer '\(layer)': the sums of output channel \(channel) may exceed 32 bits"
    case .nativeTwoBits(let layers):
      "ONNX Runtime does not load 2-bit weights that go straight into DequantizeLinear (layers "
        + "\(LoweringError.list(layers))): use --storage cast, or at least 3 bits"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
      + (names.count > 3 ? " and \(names.count - 3) more" : "")
  }
}
