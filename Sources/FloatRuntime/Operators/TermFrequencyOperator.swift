import GraphIR
import Tensors

/// TfIdfVectorizer: counts n-grams of a pool in rows of integers or strings.
enum TermFrequencyOperator {
  static let definitions: [OperatorDefinition] = [vectorizer]

  private enum Mode: String, CaseIterable { case frequency = "TF", inverse = "IDF", both = "TFIDF" }

  private static let vectorizer = OperatorDefinition.tensors("TfIdfVectorizer") { node in
    guard let modeName = try node.string("mode"), let mode = Mode(rawValue: modeName),
      let shortest = try node.int("min_gram_length"), let longest = try node.int("max_gram_length"),
      let skips = try node.int("max_skip_count"), let starts = try node.ints("ngram_counts"),
      let columns = try node.ints("ngram_indexes"), shortest >= 1, longest >= shortest, skips >= 0
    else { throw node.failure("a required attribute is missing or out of range") }
    let pool = try pool(node)
    let table = try table(node, pool, starts, columns)
    let weights = try node.floats("weights") ?? columns.map { _ in 1 }
    guard weights.count == columns.count, columns.allSatisfy({ $0 >= 0 }) else {
      throw node.failure("attributes 'weights' and 'ngram_indexes' do not fit")
    }
    let width = (columns.max() ?? -1) &+ 1
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard x.rank == 1 || x.rank == 2, let length = x.shape.last else {
        throw inputs.failure("takes rows, not shape \(x.shape)")
      }
      let rows = x.rank == 2 ? x.shape[0] : 1
      let count = try inputs.checkedCount([rows, width], .float32)
      let items = try items(x, inputs)
      var counts = Array(repeating: Float(0), count: count)
      var factors = counts
      for row in 0..<rows {
        let words = Array(items[row * length..<(row + 1) * length])
        for size in shortest...min(longest, max(length, shortest)) {
          // Unigrams have nothing to skip.
          for skip in 0...(size == 1 ? 0 : min(skips, length)) {
            let reach = (size - 1) * (skip + 1)
            for first in words.indices where first + reach < length {
              let gram = (0..<size).map { words[first + $0 * (skip + 1)] }
              guard let entry = table[gram] else { continue }
              counts[row * width + columns[entry]] += 1
              factors[row * width + columns[entry]] = weights[entry]
            }
          }
        }
      }
      let result = counts.indices.map { index -> Float in
        switch mode {
        case .frequency: counts[index]
        case .inverse: counts[index] > 0 ? factors[index] : 0
        case .both: counts[index] * factors[index]
        }
      }
      return [Tensor(result, shape: x.rank == 2 ? [rows, width] : [width])]
    }
  }

  private enum Item: Hashable, Sendable {
    case number(Int)
    case text([UInt8])
  }

  private static func pool(_ node: Node) throws -> [Item] {
    if let numbers = try node.ints("pool_int64s"), !numbers.isEmpty {
      return numbers.map { .number($0) }
    }
    guard case .strings(let texts) = node.attribute("pool_strings") else {
      throw node.failure("has no pool")
    }
    return texts.map { .text($0) }
  }

  private static func items(_ x: Tensor, _ inputs: OperatorInputs) throws -> [Item] {
    if x.elementType == .string { return x.strings.map { .text($0) } }
    guard let numbers = x.integers() else {
      throw inputs.failure("takes integers or strings, not \(x.elementType)")
    }
    return numbers.map { .number($0) }
  }

  /// The n-grams of the pool with their number: first all of one item, then of two, and so on.
  private static func table(
    _ node: Node, _ pool: [Item], _ starts: [Int], _ columns: [Int]
  ) throws -> [[Item]: Int] {
    var table: [[Item]: Int] = [:]
    var entry = 0
    for (index, start) in starts.enumerated() {
      let size = index + 1
      let end = index + 1 < starts.count ? starts[index + 1] : pool.count
      guard start >= 0, start <= end, end <= pool.count, (end - start) % size == 0 else {
        throw node.failure("attribute 'ngram_counts' does not fit the pool")
      }
      for first in stride(from: start, to: end, by: size) {
        table[Array(pool[first..<first + size])] = entry
        entry += 1
      }
    }
    guard entry == columns.count else {
      throw node.failure("the pool has \(entry) n-grams, 'ngram_indexes' \(columns.count)")
    }
    return table
  }
}
