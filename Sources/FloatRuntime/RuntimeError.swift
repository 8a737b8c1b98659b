/// Why a graph cannot be run, or why a run failed; by node and value name.
public enum RuntimeError: Error, Equatable, Sendable {
  case unsupportedOperators([String])
  case attribute(node: String, problem: String)
  case input(node: String, problem: String)
  case inputMissing(name: String)
  case inputType(name: String, expected: String, found: String)
  case inputShape(name: String, expected: String, found: String)
  case unknownInput(name: String, known: [String])
  case unknownValue(name: String)
  case noGradient([String])
}

extension RuntimeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unsupportedOperators(let nodes):
      "the float engine does not implement: " + nodes.joined(separator: ", ")
    case .attribute(let node, let problem): "\(node): \(problem)"
    case .input(let node, let problem): "\(node): \(problem)"
    case .inputMissing(let name): "input '\(name)' is not given"
    case .inputType(let name, let expected, let found):
      "input '\(name)' takes \(expected), the data is \(found)"
    case .inputShape(let name, let expected, let found):
      "input '\(name)' has shape \(expected), the data has \(found)"
    case .unknownValue(let name): "the model has no value '\(name)' that gradients could go to"
    case .noGradient(let nodes):
      "gradients do not go back through: " + nodes.joined(separator: ", ")
    case .unknownInput(let name, let known):
      "the model has no input '\(name)'; it has \(known.joined(separator: ", "))"
    }
  }
}
