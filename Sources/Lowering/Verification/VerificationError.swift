/// How a written file departs from its plan; a defect of tapq, not of the input.
public enum VerificationError: Error, Equatable, Sendable {
  case planMissing
  case planDiffers
  case layerMissing(String)
  case weight(layer: String, problem: String)
  case bias(layer: String, problem: String)
  case table(weight: String, problem: String)
  case activation(value: String, problem: String)
  case notFused(layer: String, problem: String)
}

extension VerificationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .planMissing: "the written file has no '\(Lowering.metadataKey)' in its metadata"
    case .planDiffers: "the plan in the written file differs from the plan that was made"
    case .layerMissing(let name): "the written file has no layer '\(name)'"
    case .weight(let layer, let problem): "written layer '\(layer)': its weight \(problem)"
    case .bias(let layer, let problem): "written layer '\(layer)': its bias \(problem)"
    case .table(let weight, let problem): "written table '\(weight)' \(problem)"
    case .activation(let value, let problem): "written activation '\(value)' \(problem)"
    case .notFused(let layer, let problem):
      "written layer '\(layer)' will not run in integers: \(problem)"
    }
  }
}
