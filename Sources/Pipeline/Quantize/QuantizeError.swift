/// Why a model cannot be quantized.
public enum QuantizeError: Error, Equatable, Sendable {
  case nothingToQuantize(path: String)
  case alreadyQuantized(path: String, node: String)
  case verification(problems: [String])
}

extension QuantizeError: CustomStringConvertible, UnmetRequestError {
  public var description: String {
    switch self {
    case .nothingToQuantize(let path):
      "\(path) has no Conv, Gemm or MatMul with a constant float weight: nothing to quantize"
    case .alreadyQuantized(let path, let node):
      "\(path) is quantized already (\(node)); give the float model"
    case .verification(let problems):
      "the written file does not hold the plan: " + problems.joined(separator: "; ")
    }
  }
}
