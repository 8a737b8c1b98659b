/// Where a profile says what is wrong.
public struct ProfilePlace: Sendable, Equatable, Codable {
  public var file: String
  /// From 1.
  public var line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
}

/// Why a profile cannot be used. Keys are paths like `memory.flash`.
public enum ProfileError: Error, Sendable, Equatable {
  case unreadable(file: String, problem: String)
  case notYAML(ProfilePlace, problem: String)
  case unknownKey(ProfilePlace, key: String, known: [String])
  case duplicateKey(ProfilePlace, key: String, firstLine: Int)
  case missingKey(ProfilePlace, key: String, expected: String)
  case wrongValue(ProfilePlace, key: String, found: String, expected: String)
  /// A number whose unit is missing, half or unknown, or which is negative or too large.
  case quantity(ProfilePlace, key: String, text: String, problem: QuantityProblem)
  case unknownOperator(ProfilePlace, key: String, name: String, nearest: String?)
  /// Each value is fine, but not together.
  case contradiction(ProfilePlace, key: String, problem: String)
  /// A precision that no kernel has.
  case uncoveredPrecision(
    ProfilePlace, op: String, kind: KernelWorkload.Kind, weightBits: Int, activationBits: Int)
  case missingParent(ProfilePlace, name: String, folders: [String], nearest: String?)
  case inheritanceLoop(ProfilePlace, chain: [String])
  case unknownProfile(name: String, folders: [String], nearest: String?)
  /// A profile of more than one problem; at least two.
  case several([ProfileError])
}

extension ProfileError: CustomStringConvertible {
  /// Nil where no file was found, or where there are several.
  public var place: ProfilePlace? {
    switch self {
    case .unreadable(let file, _): ProfilePlace(file: file, line: 1)
    case .notYAML(let place, _), .unknownKey(let place, _, _), .duplicateKey(let place, _, _),
      .missingKey(let place, _, _), .wrongValue(let place, _, _, _),
      .quantity(let place, _, _, _), .unknownOperator(let place, _, _, _),
      .contradiction(let place, _, _), .uncoveredPrecision(let place, _, _, _, _),
      .missingParent(let place, _, _, _), .inheritanceLoop(let place, _):
      place
    case .unknownProfile, .several: nil
    }
  }

  /// The key that is wrong; nil where it is not a matter of one.
  public var key: String? {
    switch self {
    case .unknownKey(_, let key, _), .duplicateKey(_, let key, _), .missingKey(_, let key, _),
      .wrongValue(_, let key, _, _), .quantity(_, let key, _, _),
      .unknownOperator(_, let key, _, _), .contradiction(_, let key, _):
      key
    case .uncoveredPrecision: "precisions"
    case .missingParent, .inheritanceLoop: "inherits"
    case .unreadable, .notYAML, .unknownProfile, .several: nil
    }
  }

  /// What is wrong, without the place.
  public var problem: String {
    switch self {
    case .unreadable(_, let problem): "the file cannot be read: \(problem)"
    case .notYAML(_, let problem): "it is not YAML: \(problem)"
    case .unknownKey(_, let key, let known):
      "there is no key '\(key)'"
        + hint(Spelling.nearest(to: key.lastKey, in: known))
        + "; there are \(known.joined(separator: ", "))"
    case .duplicateKey(_, let key, let first):
      "'\(key)' is here a second time, first on line \(first)"
    case .missingKey(_, let key, let expected): "'\(key)' is missing: \(expected)"
    case .wrongValue(_, let key, let found, let expected):
      "'\(key)' is \(found), expected \(expected)"
    case .quantity(_, let key, let text, let problem): "\(key) '\(text)' \(problem)"
    case .unknownOperator(_, let key, let name, let nearest):
      "\(key): ONNX has no operator '\(name)'" + hint(nearest)
    case .contradiction(_, let key, let problem): "\(key): \(problem)"
    case .uncoveredPrecision(_, let op, let kind, let weights, let activations):
      "no kernel covers \(op) with \(weights)-bit weights and \(activations)-bit activations: "
        + "add one of kind \(kind.rawValue), or drop the width"
    case .missingParent(_, let name, let folders, let nearest):
      "there is no profile '\(name)' to inherit from" + hint(nearest)
        + "; looked in \(folders.joined(separator: ", "))"
    case .inheritanceLoop(_, let chain):
      "profiles inherit from each other in a loop: \(chain.joined(separator: " -> "))"
    case .unknownProfile(let name, let folders, let nearest):
      folders.isEmpty
        ? "there is no profile '\(name)': no folder of profiles was found; set TAPQ_PROFILES to one"
        : "there is no profile '\(name)'" + hint(nearest)
          + "; looked in \(folders.joined(separator: ", ")); a file is given by its path"
    case .several(let errors): "\(errors.count) problems"
    }
  }

  public var description: String {
    if case .several(let errors) = self {
      return errors.prefix(1).map(\.description).joined()
        + "; \(errors.count - 1) more: see tapq profiles validate"
    }
    return place.map { "\($0.file):\($0.line): " + problem } ?? problem
  }

  private func hint(_ nearest: String?) -> String {
    nearest.map { " (is it '\($0)'?)" } ?? ""
  }
}

extension String {
  /// What follows the last dot.
  fileprivate var lastKey: String { split(separator: ".").last.map(String.init) ?? self }
}
