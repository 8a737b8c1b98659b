/// Why a proxy cannot be read or does not say how much a layer suffers.
public enum ProxyError: Error, Equatable, Sendable {
  case formula(FormulaError)
  case file(path: String, problem: String)
  case line(path: String, position: SourcePosition, problem: String)
  case unknownName(String, known: [String])
  case notFinite(layer: String, bits: Int, part: String, value: String)
  case width(layer: String, bits: Int)
}

extension ProxyError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .formula(let error): "\(error)"
    case .file(let path, let problem): "\(path): \(problem)"
    case .line(let path, let position, let problem): "\(path), \(position): \(problem)"
    case .unknownName(let name, let known):
      "there is no proxy '\(name)'; give a .tap file or one of: \(known.joined(separator: ", "))"
    case .notFinite(let layer, let bits, let part, let value):
      "layer '\(layer)' at \(bits) bits: \(part) is \(value), not a finite number"
    case .width(let layer, let bits):
      "layer '\(layer)' has no \(bits)-bit form to judge"
    }
  }
}
