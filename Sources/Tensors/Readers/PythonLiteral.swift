/// The part of Python's literal syntax that `.npy` headers use.
enum PythonLiteral: Equatable {
  case string(String)
  case bool(Bool)
  case integer(Int)
  case tuple([PythonLiteral])
  case dictionary([String: PythonLiteral])

  /// Nil where the text is anything else.
  static func parse(_ text: [UInt8]) -> PythonLiteral? {
    var parser = Parser(text: text)
    guard let value = parser.value(depth: 0) else { return nil }
    parser.skipSpace()
    return parser.position == text.count ? value : nil
  }

  private struct Parser {
    let text: [UInt8]
    var position = 0
    /// Deeper nesting occurs in no header; the limit keeps hostile ones off the stack.
    static let depthLimit = 8

    mutating func skipSpace() {
      while position < text.count, [0x20, 0x0A, 0x0D, 0x09, 0x00].contains(text[position]) {
        position += 1
      }
    }

    mutating func take(_ character: Character) -> Bool {
      skipSpace()
      guard position < text.count, text[position] == character.asciiValue else { return false }
      position += 1
      return true
    }

    mutating func value(depth: Int) -> PythonLiteral? {
      skipSpace()
      guard depth < Parser.depthLimit, position < text.count else { return nil }
      switch text[position] {
      case UInt8(ascii: "{"): return dictionary(depth: depth)
      case UInt8(ascii: "("): return sequence(end: ")", depth: depth)
      case UInt8(ascii: "["): return sequence(end: "]", depth: depth)
      case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map { .string($0) }
      default: return word()
      }
    }

    mutating func dictionary(depth: Int) -> PythonLiteral? {
      position += 1
      var entries: [String: PythonLiteral] = [:]
      while !take("}") {
        skipSpace()
        guard let key = string(), take(":"), let value = value(depth: depth + 1),
          entries.updateValue(value, forKey: key) == nil
        else { return nil }
        if !take(",") { return take("}") ? .dictionary(entries) : nil }
      }
      return .dictionary(entries)
    }

    mutating func sequence(end: Character, depth: Int) -> PythonLiteral? {
      position += 1
      var items: [PythonLiteral] = []
      while !take(end) {
        guard let item = value(depth: depth + 1) else { return nil }
        items.append(item)
        if !take(",") { return take(end) ? .tuple(items) : nil }
      }
      return .tuple(items)
    }

    mutating func string() -> String? {
      guard position < text.count else { return nil }
      let quote = text[position]
      guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
      guard let end = text[(position + 1)...].firstIndex(of: quote) else { return nil }
      let content = text[(position + 1)..<end]
      guard !content.contains(UInt8(ascii: "\\")) else { return nil }
      position = end + 1
      return String(decoding: content, as: UTF8.self)
    }

    mutating func word() -> PythonLiteral? {
      let end =
        text[position...].firstIndex { byte in
          let character = Character(UnicodeScalar(byte))
          return !(character.isLetter || character.isNumber || character == "-")
        } ?? text.count
      let word = String(decoding: text[position..<end], as: UTF8.self)
      position = end
      switch word {
      case "True": return .bool(true)
      case "False": return .bool(false)
      default:
        // Python 2 wrote long integers with a trailing L.
        return Int(word.hasSuffix("L") ? String(word.dropLast()) : word).map { .integer($0) }
      }
    }
  }
}
