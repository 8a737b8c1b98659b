import Foundation
import Yams

/// YAML that knows which line of which file each of its parts comes from.
struct ProfileNode {
  enum Value {
    case scalar(String)
    case list([ProfileNode])
    case mapping([Entry])
  }

  struct Entry {
    let key: String
    let place: ProfilePlace
    var node: ProfileNode
  }

  var place: ProfilePlace
  var value: Value

  subscript(key: String) -> ProfileNode? {
    guard case .mapping(let entries) = value else { return nil }
    return entries.first { $0.key == key }?.node
  }

  /// The same with the keys of `parent` that it lacks; lists are replaced whole.
  func inheriting(_ parent: ProfileNode) -> ProfileNode {
    guard case .mapping(let own) = value, case .mapping(let inherited) = parent.value else {
      return self
    }
    var result = own.map { entry in
      var entry = entry
      // A source beside another kind's figures would be nobody's.
      if entry.key != "provenance", let other = parent[entry.key] {
        entry.node = entry.node.inheriting(other)
      }
      return entry
    }
    result += inherited.filter { self[$0.key] == nil }
    return ProfileNode(place: place, value: .mapping(result))
  }
}

extension ProfileNode {
  /// More would be no profile. A short text has any number of nodes where aliases repeat aliases.
  private static let byteLimit = 1 << 20
  private static let nodeLimit = 50_000

  static func load(path: String) throws(ProfileError) -> ProfileNode {
    let data: Data
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      data = try file.read(upToCount: byteLimit + 1) ?? Data()
    } catch {
      let problem = FileManager.default.fileExists(atPath: path) ? "not readable" : "no such file"
      throw .unreadable(file: path, problem: problem)
    }
    guard data.count <= byteLimit else {
      throw .unreadable(file: path, problem: "it is larger than \(byteLimit) bytes")
    }
    guard let text = String(bytes: data, encoding: .utf8) else {
      throw .unreadable(file: path, problem: "it is not UTF-8 text")
    }
    return try parse(text, file: path)
  }

  static func parse(_ text: String, file: String) throws(ProfileError) -> ProfileNode {
    let root: Yams.Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxError(error, text: text, file: file)
    } catch {
      throw .notYAML(ProfilePlace(file: file, line: 1), problem: "\(error)")
    }
    let top = ProfilePlace(file: file, line: 1)
    guard let root else { return ProfileNode(place: top, value: .mapping([])) }
    var budget = nodeLimit
    return try ProfileNode(root, file: file, parent: top, budget: &budget)
  }

  private init(
    _ node: Yams.Node, file: String, parent: ProfilePlace, budget: inout Int
  ) throws(ProfileError) {
    place = node.mark.map { ProfilePlace(file: file, line: $0.line) } ?? parent
    budget -= 1
    guard budget > 0 else {
      throw .notYAML(place, problem: "it has more than \(Self.nodeLimit) values")
    }
    switch node {
    case .scalar(let scalar): value = .scalar(scalar.string)
    case .alias: throw .notYAML(place, problem: "an alias of nothing")
    case .sequence(let items):
      var list: [ProfileNode] = []
      for item in items {
        list.append(try ProfileNode(item, file: file, parent: place, budget: &budget))
      }
      value = .list(list)
    case .mapping(let pairs):
      var entries: [Entry] = []
      for (key, item) in pairs {
        let line = key.mark.map { ProfilePlace(file: file, line: $0.line) } ?? place
        guard case .scalar(let name) = key else {
          throw .notYAML(line, problem: "a key is a word")
        }
        let node = try ProfileNode(item, file: file, parent: line, budget: &budget)
        entries.append(Entry(key: name.string, place: line, node: node))
      }
      value = .mapping(entries)
    }
  }

  private static func syntaxError(_ error: YamlError, text: String, file: String) -> ProfileError {
    func place(_ line: Int) -> ProfilePlace { ProfilePlace(file: file, line: max(1, line)) }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return .notYAML(place(mark.line), problem: problem)
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let line = secondLine(of: key, after: context.mark, in: text) ?? context.mark.line
      return .duplicateKey(place(line), key: key, firstLine: context.mark.line)
    case .reader(let problem, let offset, _, _):
      let line = offset.map { text.prefix($0).count { $0.isNewline } + 1 }
      return .notYAML(place(line ?? 1), problem: problem)
    default: return .notYAML(place(1), problem: "\(error)")
    }
  }

  /// The next line that has the key at the same column, which Yams does not tell.
  private static func secondLine(of key: String, after mark: Mark, in text: String) -> Int? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.indices.dropFirst(mark.line).first { index in
      let indented = lines[index].dropFirst(mark.column - 1)
      return indented.hasPrefix(key + ":") || indented.hasPrefix("\"\(key)\":")
    }.map { $0 + 1 }
  }
}
