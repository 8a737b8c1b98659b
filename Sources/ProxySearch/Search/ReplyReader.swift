import Foundation

/// Finds a proxy in whatever a generator says: a JSON object, one within prose or code fences, or the
/// lines of a `.tap` file.
enum ReplyReader {
  static let longestReply = 1 << 16
  static let longestThought = 400

  struct Idea: Equatable {
    var thought: String
    var formula: String
  }

  /// Nil where there is no formula.
  static func read(_ reply: String) -> Idea? {
    var text = String(reply.prefix(longestReply))
    // Models that think aloud.
    if let end = text.ranges(of: "</think>").last { text = String(text[end.upperBound...]) }
    return json(in: text) ?? lines(of: text)
  }

  /// The last object with a formula: those before it may be drafts.
  private static func json(in text: String) -> Idea? {
    var found: Idea?
    var tries = 0
    let scalars = Array(text.utf8)
    var start = 0
    while start < scalars.count, tries < 64 {
      guard scalars[start] == UInt8(ascii: "{") else {
        start += 1
        continue
      }
      tries += 1
      guard let end = end(of: start, in: scalars) else {
        start += 1
        continue
      }
      if let object = try? JSONSerialization.jsonObject(with: Data(scalars[start...end]))
        as? [String: Any],
        let formula = (object["formula"] ?? object["code"]) as? String
      {
        found = idea(thought: object["thought"] as? String ?? "", formula: formula) ?? found
        start = end
      }
      start += 1
    }
    return found
  }

  /// Where the braces that open at `start` close; braces within strings do not count.
  private static func end(of start: Int, in bytes: [UInt8]) -> Int? {
    var depth = 0
    var (inString, escaped) = (false, false)
    for index in start..<bytes.count {
      let byte = bytes[index]
      if inString {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        inString = true
      } else if byte == UInt8(ascii: "{") {
        depth += 1
      } else if byte == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return index }
      }
    }
    return nil
  }

  private static func lines(of text: String) -> Idea? {
    var fields: [String: String] = [:]
    var key: String?
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      let trimmed = line.drop { $0.isWhitespace || $0 == "*" || $0 == "`" }
      if let found = ["thought", "formula"].first(where: {
        trimmed.lowercased().hasPrefix($0 + ":")
      }) {
        fields[found] = String(trimmed.dropFirst(found.count + 1))
        key = found
      } else if let open = key, line.first == " " || line.first == "\t" {
        fields[open, default: ""] += " " + line
      } else {
        key = nil
      }
    }
    return fields["formula"].flatMap { idea(thought: fields["thought"] ?? "", formula: $0) }
  }

  private static func idea(thought: String, formula: String) -> Idea? {
    let formula = oneLine(formula).trimmingCharacters(in: CharacterSet(charactersIn: " `$"))
    guard !formula.isEmpty else { return nil }
    let words = oneLine(thought)
    return Idea(
      thought: words.isEmpty ? "No thought was given." : String(words.prefix(longestThought)),
      formula: formula)
  }

  /// Without line breaks, control characters and marks that turn the direction of writing.
  static func oneLine(_ text: String) -> String {
    let visible = text.unicodeScalars.map { scalar -> Character in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: " "
      default: Character(scalar)
      }
    }
    return String(visible).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
