/// A word or sign of a formula.
struct Token: Equatable {
  enum Kind: Equatable {
    case number(Double)
    case name(String)
    /// One of `+ - * / ^ ( ) ,`.
    case sign(Unicode.Scalar)
    case end
  }

  var kind: Kind
  var position: SourcePosition

  /// How messages call it.
  var text: String {
    switch kind {
    case .number(let value): "the number \(value)"
    case .name(let name): "'\(name)'"
    case .sign(let sign): "'\(sign)'"
    case .end: "the end of the formula"
    }
  }
}

/// Splits a formula into tokens.
enum Tokenizer {
  static let longestFormula = 8192
  private static let signs = Set("+-*/^(),".unicodeScalars)

  /// `start` is where the text begins in its file.
  static func tokens(
    of text: String, from start: SourcePosition
  ) throws(FormulaError) -> [Token] {
    let scalars = Array(text.unicodeScalars.prefix(longestFormula + 1))
    guard scalars.count <= longestFormula else {
      throw FormulaError(position: start, reason: .tooLong(limit: longestFormula))
    }
    var tokens: [Token] = []
    var position = start
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      var length = 1
      if scalar == "\n" {
        position = SourcePosition(line: position.line + 1, column: 1)
        index += 1
        continue
      } else if scalar == " " || scalar == "\t" || scalar == "\r" {
      } else if signs.contains(scalar) {
        tokens.append(Token(kind: .sign(scalar), position: position))
      } else if isDigit(scalar) || scalar == "." {
        length = numberLength(scalars[index...])
        let word = String(String.UnicodeScalarView(scalars[index..<index + length]))
        guard let value = Double(word), value.isFinite else {
          throw FormulaError(position: position, reason: .number(word))
        }
        tokens.append(Token(kind: .number(value), position: position))
      } else if isLetter(scalar) {
        length = scalars[index...].prefix { isLetter($0) || isDigit($0) }.count
        let word = String(String.UnicodeScalarView(scalars[index..<index + length]))
        tokens.append(Token(kind: .name(word), position: position))
      } else {
        throw FormulaError(position: position, reason: .character(scalar))
      }
      index += length
      position.column += length
    }
    tokens.append(Token(kind: .end, position: position))
    return tokens
  }

  /// Digits, a point, more digits, an exponent; letters that follow belong to the (wrong) number.
  private static func numberLength(_ scalars: ArraySlice<Unicode.Scalar>) -> Int {
    var count = 0
    var previous: Unicode.Scalar = "0"
    for scalar in scalars {
      let isExponentSign = (scalar == "-" || scalar == "+") && (previous == "e" || previous == "E")
      guard isDigit(scalar) || isLetter(scalar) || scalar == "." || isExponentSign else { break }
      previous = scalar
      count += 1
    }
    return count
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
  }
}
