/// Reads the values of a profile's mappings and gathers what is wrong with them.
struct ProfileFields {
  private(set) var errors: [ProfileError] = []

  mutating func report(_ error: ProfileError) { errors.append(error) }

  /// The entries of a mapping; those with keys that it cannot have are reported and left out.
  mutating func mapping(
    _ node: ProfileNode, path: String, keys: [String]
  ) -> ProfileMapping? {
    guard case .mapping(let entries) = node.value else {
      report(.wrongValue(node.place, key: path, found: node.kind, expected: "a mapping"))
      return nil
    }
    var known: [String: ProfileNode] = [:]
    for entry in entries {
      guard keys.contains(entry.key) else {
        let key = path.isEmpty ? entry.key : "\(path).\(entry.key)"
        report(.unknownKey(entry.place, key: key, known: keys))
        continue
      }
      known[entry.key] = entry.node
    }
    return ProfileMapping(place: node.place, path: path, nodes: known)
  }

  mutating func list(_ field: ProfileField) -> [ProfileNode]? {
    guard let node = required(field) else { return nil }
    guard case .list(let items) = node.value else {
      report(.wrongValue(node.place, key: field.path, found: node.kind, expected: "a list"))
      return nil
    }
    return items
  }

  mutating func text(_ field: ProfileField, expected: String = "a text") -> String? {
    guard let node = required(field) else { return nil }
    guard case .scalar(let text) = node.value, !text.isEmpty else {
      report(.wrongValue(node.place, key: field.path, found: node.kind, expected: expected))
      return nil
    }
    return text
  }

  mutating func integer(_ field: ProfileField, in range: ClosedRange<Int>) -> Int? {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let text = text(field, expected: expected), let node = field.node else { return nil }
    guard let value = Int(text), range.contains(value) else {
      report(.wrongValue(node.place, key: field.path, found: "'\(text)'", expected: expected))
      return nil
    }
    return value
  }

  mutating func number(_ field: ProfileField) -> Double? {
    guard let text = text(field), let node = field.node else { return nil }
    guard let value = Double(text), value.isFinite, value > 0 else {
      report(
        .wrongValue(
          node.place, key: field.path, found: "'\(text)'", expected: "a number above zero"))
      return nil
    }
    return value
  }

  /// Whole numbers, each once.
  mutating func integers(
    _ field: ProfileField, expected: String, where isValid: (Int) -> Bool
  ) -> [Int]? {
    guard let items = list(field) else { return nil }
    var values: [Int] = []
    for item in items {
      guard case .scalar(let text) = item.value, let value = Int(text), isValid(value) else {
        report(.wrongValue(item.place, key: field.path, found: item.kind, expected: expected))
        continue
      }
      if values.contains(value) {
        report(.contradiction(item.place, key: field.path, problem: "\(value) is listed twice"))
      }
      values.append(value)
    }
    return values
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ field: ProfileField, as type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    guard let text = text(field, expected: "one of \(names)"), let node = field.node else {
      return nil
    }
    guard let value = Choice(rawValue: text) else {
      report(
        .wrongValue(
          node.place, key: field.path, found: "'\(text)'", expected: "one of \(names)"))
      return nil
    }
    return value
  }

  mutating func truth(_ field: ProfileField) -> Bool? {
    guard let text = text(field, expected: "true or false"), let node = field.node else {
      return nil
    }
    guard let value = ["true": true, "false": false][text] else {
      report(
        .wrongValue(node.place, key: field.path, found: "'\(text)'", expected: "true or false"))
      return nil
    }
    return value
  }

  mutating func quantity<Value>(
    _ field: ProfileField, _ read: (String) throws(QuantityProblem) -> Value
  ) -> Value? {
    guard let text = text(field), let node = field.node else { return nil }
    do {
      return try read(text)
    } catch {
      report(.quantity(node.place, key: field.path, text: text, problem: error))
      return nil
    }
  }

  /// The value; reports where it is missing and must not be.
  mutating func required(_ field: ProfileField) -> ProfileNode? {
    if let expected = field.requirement, field.node == nil {
      report(.missingKey(field.place, key: field.path, expected: expected))
    }
    return field.node
  }
}

/// A mapping whose keys are all known.
struct ProfileMapping {
  let place: ProfilePlace
  /// Where it is, like `memory`; empty for the whole file.
  let path: String
  let nodes: [String: ProfileNode]

  /// `requirement` says what is expected where the key must not be missing.
  func field(_ key: String, requirement: String? = nil) -> ProfileField {
    let node = nodes[key]
    return ProfileField(
      path: path.isEmpty ? key : "\(path).\(key)", place: node?.place ?? place, node: node,
      requirement: requirement)
  }
}

struct ProfileField {
  let path: String
  /// Of the value, or of the mapping that lacks it.
  let place: ProfilePlace
  let node: ProfileNode?
  let requirement: String?
}

extension ProfileNode {
  /// What it is, for messages.
  var kind: String {
    switch value {
    case .scalar(let text): text.isEmpty ? "empty" : "'\(text)'"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }
}
