import Lowering

/// Why a model cannot be quantized.
public enum QuantizeError: Error, Equatable, Sendable {
  case nothingToQuantize(path: String)
  case alreadyQuantized(path: String, node: String)
  case blocksTooWide(layer: String, widths: [Int])
  case verification(problems: [String])
}

extension QuantizeError: CustomStringConvertible, UnmetRequestError {
  public var description: String {
    switch self {
    case .nothingToQuantize(let path):
      "\(path) has no Conv, Gemm or MatMul with a constant float weight: nothing to quantize"
    case .alreadyQuantized(let path, let node):
      "\(path) is quantized already (\(node)); give the float model"
    case .blocksTooWide(let layer, let widths):
      "layer '\(layer)' has a scale for each block of weights and would have "
        + widths.map(String.init).joined(separator: " or ")
        + " bits; beside quantized inputs blocks take at most \(Lowering.widestBlocks): allow those with "
        + "--bits, leave out --block-size, or quantize weights alone with --activation-bits 32"
    case .verification(let problems):
      "the written file does not hold the plan: " + problems.joined(separator: "; ")
    }
  }
}
