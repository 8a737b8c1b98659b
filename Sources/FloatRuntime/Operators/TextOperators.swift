import GraphIR
import Tensors

/// StringConcat, StringSplit and StringNormalizer.
enum TextOperators {
  static let definitions: [OperatorDefinition] = [concat, split, normalizer]

  private static let concat = OperatorDefinition.tensors("StringConcat") { _ in
    { inputs, _ in
      let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
      try inputs.checkType(a, .string, input: 0)
      try inputs.checkType(b, .string, input: 1)
      let plan = try inputs.broadcast([a.shape, b.shape])
      let last = plan.extents.count - 1
      var result: [[UInt8]] = []
      plan.forEachRun(in: 0..<plan.count) { _, count, offsets in
        for index in 0..<count {
          result.append(
            a.strings[offsets[0] + index * plan.strides[0][last]]
              + b.strings[offsets[1] + index * plan.strides[1][last]])
        }
      }
      return [Tensor(strings: result, shape: plan.shape)]
    }
  }

  private static let split = OperatorDefinition.tensors("StringSplit") { node in
    let delimiter = try node.string("delimiter").map { Array($0.utf8) } ?? []
    let limit = try node.int("maxsplit") ?? Int.max
    return { inputs, _ in
      let x = try inputs.tensor(0)
      try inputs.checkType(x, .string, input: 0)
      let parts = x.strings.map {
        delimiter.isEmpty ? words($0, limit) : pieces($0, delimiter, limit)
      }
      let width = parts.map(\.count).max() ?? 0
      try inputs.checkedCount([parts.count, width, 16], .uint8)
      let padded = parts.flatMap { $0 + Array(repeating: [], count: width - $0.count) }
      return [
        Tensor(strings: padded, shape: x.shape + [width]),
        Tensor(parts.map { Int64($0.count) }, shape: x.shape),
      ]
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

  /// Splits at runs of white space, which is dropped at both ends.
  private static func words(_ text: [UInt8], _ limit: Int) -> [[UInt8]] {
    var rest = text.drop(while: isSpace)
    var result: [[UInt8]] = []
    while !rest.isEmpty, result.count < limit {
      let word = rest.prefix { !isSpace($0) }
      result.append(Array(word))
      rest = rest[word.endIndex...].drop(while: isSpace)
    }
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest.isEmpty ? result : result + [Array(rest)]
  }

  private static func pieces(
    _ text: [UInt8], _ delimiter: [UInt8], _ limit: Int
  ) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var (first, position) = (0, 0)
    while result.count < limit, position + delimiter.count <= text.count {
      if text[position..<position + delimiter.count].elementsEqual(delimiter) {
        result.append(Array(text[first..<position]))
        position += delimiter.count
        first = position
      } else {
        position += 1
      }
    }
    return result + [Array(text[first...])]
  }

  private enum Case: String, CaseIterable { case none = "NONE", lower = "LOWER", upper = "UPPER" }

  private static let normalizer = OperatorDefinition.tensors("StringNormalizer") { node in
    let action = try node.choice("case_change_action", default: Case.none)
    let sensitive = try node.flag("is_case_sensitive", default: false)
    let stopwords = try node.strings("stopwords") ?? []
    let excluded = Set(sensitive ? stopwords : stopwords.map { $0.lowercased() })
    return { inputs, _ in
      let x = try inputs.tensor(0)
      try inputs.checkType(x, .string, input: 0)
      guard x.rank == 1 || (x.rank == 2 && x.shape[0] == 1) else {
        throw inputs.failure("takes a list of strings, not shape \(x.shape)")
      }
      var kept = x.strings.map { String(decoding: $0, as: UTF8.self) }
        .filter { !excluded.contains(sensitive ? $0 : $0.lowercased()) }
        .map { text in
          switch action {
          case .none: text
          case .lower: text.lowercased()
          case .upper: text.uppercased()
          }
        }
      if kept.isEmpty { kept = [""] }
      return [
        Tensor(
          strings: kept.map { Array($0.utf8) },
          shape: x.rank == 1 ? [kept.count] : [1, kept.count])
      ]
    }
  }
}
