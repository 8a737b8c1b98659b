import GraphIR
import Tensors

/// Other words in a text, so that a few short calibration texts say more of a layer's inputs: the
/// network's own outputs for it are what counts, so that it need not mean anything.
struct WordVariation {
  /// Rows of the embedding table that an input's integers look up, by input.
  private let vocabularies: [String: Int]
  /// What texts are made up of besides words: markers of their ends, padding. By input.
  private let markers: [String: Set<Int>]

  /// Smaller tables hold positions or kinds of words.
  private static let fewestWords = 4096

  /// Reads off `samples` what is no word: integers that more than half of them have. One alone does
  /// not tell.
  init(_ model: Model, samples: [[String: Tensor]]) {
    let vocabularies = samples.count > 1 ? Self.vocabularies(of: model.graph) : [:]
    self.vocabularies = vocabularies
    markers = vocabularies.reduce(into: [:]) { markers, input in
      var holders: [Int: Int] = [:]
      for sample in samples {
        for word in Set(sample[input.key]?.integers() ?? []) { holders[word, default: 0] += 1 }
      }
      markers[input.key] = Set(holders.filter { 2 * $0.value > samples.count }.keys)
    }
  }

  /// The inputs that hold words.
  var inputs: Set<String> { Set(vocabularies.keys) }

  /// Variant `number`, from 1: odd ones have half of their words replaced, even ones all.
  func variant(
    of feed: [String: Tensor], number: Int, generator: inout SplitMix64
  ) -> [String: Tensor] {
    var variant = feed
    for (input, count) in vocabularies.sorted(by: { $0.key < $1.key }) {
      guard let text = feed[input], let words = text.integers() else { continue }
      let markers = markers[input] ?? []
      let others = words.map { word in
        let (keeps, other) = (generator.sign() < 0, generator.draw(count))
        return markers.contains(word) || (keeps && !number.isMultiple(of: 2)) ? word : other
      }
      variant[input] =
        Tensor(integers: others, elementType: text.elementType, shape: text.shape) ?? text
    }
    return variant
  }

  private static func vocabularies(of graph: Graph) -> [String: Int] {
    var sources = Dictionary(
      graph.requiredInputs.map { ($0.name, $0.name) }, uniquingKeysWith: { first, _ in first })
    var counts: [String: Int] = [:]
    for node in graph.nodes {
      if node.isOperator("Cast"), let input = node.input(0), let output = node.outputs.first {
        sources[output] = sources[input]
      }
      guard node.isOperator("Gather"), (try? node.int("axis")) ?? 0 == 0,
        let table = node.input(0).flatMap({ graph.initializers[$0] }), table.rank == 2,
        table.shape[0] >= fewestWords, let input = node.input(1).flatMap({ sources[$0] })
      else { continue }
      counts[input] = min(counts[input] ?? .max, table.shape[0])
    }
    return counts
  }
}
