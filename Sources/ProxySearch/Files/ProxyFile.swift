import Foundation

/// `.tap` files: lines `key: value`, continued by lines that begin with a space; `#` begins a comment
/// line. Keys: `name`, `thought`, `formula`, `provenance`, and `correlation: NETWORK BITS SPEARMAN`
/// as often as there are figures.
public enum ProxyFile {
  static let largestFile = 1 << 16
  private static let keys = ["name", "thought", "formula", "provenance", "correlation"]

  private struct Field {
    var key: String
    /// Lines of the value, joined; the first begins at `position`.
    var text: String
    var position: SourcePosition

    /// The value as one line.
    var words: String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
  }

  public static func read(path: String) throws(ProxyError) -> Proxy {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .file(path: path, problem: "there is no such file")
    }
    guard !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: path),
      let data = try? handle.read(upToCount: largestFile + 1)
    else { throw .file(path: path, problem: "it cannot be read as a file") }
    guard data.count <= largestFile else {
      throw .file(
        path: path, problem: "it is larger than \(largestFile) bytes, too much for a proxy")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .file(path: path, problem: "it is not UTF-8 text")
    }
    return try parse(text, path: path)
  }

  /// `path` is what errors call the text.
  public static func parse(_ text: String, path: String) throws(ProxyError) -> Proxy {
    let fields = try fields(of: text, path: path)
    for (index, field) in fields.enumerated() where field.key != "correlation" {
      guard !fields[..<index].contains(where: { $0.key == field.key }) else {
        throw .line(
          path: path, position: field.position, problem: "'\(field.key)' is given twice")
      }
    }
    func field(_ key: String) throws(ProxyError) -> Field {
      guard let field = fields.first(where: { $0.key == key }), !field.words.isEmpty else {
        throw .file(path: path, problem: "it has no '\(key):'")
      }
      return field
    }
    let name = try field("name")
    guard isName(name.words) else {
      throw .line(
        path: path, position: name.position,
        problem: "a name has lower-case letters, digits and hyphens, at most 64 of them")
    }
    let formula = try field("formula")
    let expression: Expression
    do {
      expression = try FormulaParser.parse(formula.text, from: formula.position)
    } catch {
      throw .line(path: path, position: error.position, problem: "\(error.reason)")
    }
    var correlations: [Proxy.Correlation] = []
    for field in fields where field.key == "correlation" {
      correlations.append(try correlation(field, path: path))
    }
    return Proxy(
      name: name.words, thought: try field("thought").words, source: formula.words,
      formula: expression, provenance: try field("provenance").words,
      correlations: correlations)
  }

  /// Text that reads as the same proxy.
  public static func text(of proxy: Proxy) -> String {
    let head = [
      "name: \(proxy.name)", "thought: \(proxy.thought)", "formula: \(proxy.source)",
      "provenance: \(proxy.provenance)",
    ]
    let figures = proxy.correlations.map {
      "correlation: \($0.network) \($0.averageBits) \($0.spearman)"
    }
    return (head + figures).joined(separator: "\n") + "\n"
  }

  private static func fields(of text: String, path: String) throws(ProxyError) -> [Field] {
    var fields: [Field] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let start = SourcePosition(line: index + 1, column: 1)
      if line.first == "#" || line.allSatisfy(\.isWhitespace) {
        // Keeps the lines of a formula in step with those of the file.
        if !fields.isEmpty { fields[fields.count - 1].text += "\n" }
        continue
      }
      if line.first == " " || line.first == "\t" {
        guard !fields.isEmpty else {
          throw .line(path: path, position: start, problem: "the first line continues nothing")
        }
        fields[fields.count - 1].text += "\n" + line
        continue
      }
      guard let colon = line.firstIndex(of: ":") else {
        throw .line(
          path: path, position: start,
          problem: "a line is 'key: value', or begins with a space to continue the one above")
      }
      let key = String(line[..<colon])
      guard keys.contains(key) else {
        throw .line(
          path: path, position: start,
          problem: "'\(key.prefix(32))' is no key; known: \(keys.joined(separator: ", "))")
      }
      let column = line[...colon].unicodeScalars.count + 1
      fields.append(
        Field(
          key: key, text: String(line[line.index(after: colon)...]),
          position: SourcePosition(line: index + 1, column: column)))
    }
    return fields
  }

  private static func isName(_ text: String) -> Bool {
    text.utf8.count <= 64
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
      }
  }

  private static func correlation(
    _ field: Field, path: String
  ) throws(ProxyError) -> Proxy.Correlation {
    let words = field.words.split(separator: " ")
    guard words.count == 3, let bits = Double(words[1]), let spearman = Double(words[2]),
      bits.isFinite, (-1...1).contains(spearman)
    else {
      throw .line(
        path: path, position: field.position,
        problem: "a correlation is 'NETWORK BITS SPEARMAN', the last between -1 and 1")
    }
    return Proxy.Correlation(network: String(words[0]), averageBits: bits, spearman: spearman)
  }
}
