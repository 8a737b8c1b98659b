import Foundation

/// The files of the repository that this test was built from.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// Paths of all files below a folder, relative to the root; hidden folders (build products, the
  /// tests' Python environment) left out.
  static func files(below folder: String = "") -> [String] {
    let start = folder.isEmpty ? root : root.appendingPathComponent(folder)
    guard
      let walker = FileManager.default.enumerator(
        at: start, includingPropertiesForKeys: [.isRegularFileKey], options: [.skipsHiddenFiles])
    else { return [] }
    let prefix = root.path.count + 1
    return walker.compactMap { $0 as? URL }
      .filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) ?? false }
      .map { String($0.path.dropFirst(prefix)) }.sorted()
  }

  static func size(of path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: root.appendingPathComponent(path).path)
    return attributes?[.size] as? Int ?? 0
  }

  /// Folders of `Sources` that hold Swift files.
  static let swiftModules: [String] = {
    let modules = files(below: "Sources").filter { $0.hasSuffix(".swift") }
      .compactMap { $0.split(separator: "/").dropFirst().first.map(String.init) }
    return Set(modules).sorted()
  }()

  /// The modules that a Swift file imports.
  static func imports(of path: String) throws -> [String] {
    try text(path).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
      guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
        words[..<position].allSatisfy(modifiers.contains)
      else { return nil }
      // `import struct Foundation.URL` names the kind first.
      let name = kinds.contains(words[position + 1]) ? words.last : words[position + 1]
      return name?.split(separator: ".").first.map(String.init)
    }
  }

  private static let modifiers: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
  ]
}
