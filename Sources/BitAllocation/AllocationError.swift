import Foundation
public import Quantization

/// Why no allocation exists.
public enum AllocationError: Error, Equatable, Sendable {
  /// `smallest` is the least total that the limit would have to allow, given the other limits.
  case infeasible(limit: Budget.Limit, smallest: Int, given: [Budget.Limit])
  /// The limits exclude each other in a way that no single one can repair.
  case conflicting([Budget.Limit])
  case unknownResource(String, known: [String])
  case noChoice(layer: String)
  case sensitivity(layer: String, precision: Precision)
}

extension AllocationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .infeasible(let limit, let smallest, let given):
      "the \(limit.resource) limit of \(limit.text(limit.maximum)) cannot be met: "
        + "it binds by \(limit.text(smallest - limit.maximum)); "
        + "the smallest that can be met is \(limit.text(smallest))"
        + (given.isEmpty
          ? ""
          : " with "
            + given.map { "\($0.resource) <= \($0.text($0.maximum))" }.joined(separator: ", "))
    case .conflicting(let limits):
      "the limits cannot be met together: "
        + limits.map { "\($0.resource) <= \($0.text($0.maximum))" }.joined(separator: ", ")
    case .unknownResource(let name, let known):
      "no layer has a cost in '\(name)'; known: \(known.joined(separator: ", "))"
    case .noChoice(let layer):
      "layer '\(layer)' has no width that its tied layers can take too"
    case .sensitivity(let layer, let precision):
      "the sensitivity of layer '\(layer)' at \(precision.weightBits) bits and inputs of "
        + "\(precision.activationBits) bits is missing or not a number"
    }
  }
}

extension Budget.Limit {
  func text(_ total: Int) -> String {
    if divisor == 1 { return "\(total) \(unit)" }
    // Rounded up, so that the printed figure can be given back as a limit.
    let value = (Double(total) / divisor * 10_000).rounded(.up) / 10_000
    return String(format: "%g", locale: Locale(identifier: "en_US_POSIX"), value)
      + (unit.isEmpty ? "" : " \(unit)")
  }
}
