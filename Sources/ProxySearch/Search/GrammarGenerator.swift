import Tensors

/// Answers the templates without any language model: random formulas of a grammar, small changes,
/// exchanged parts.
public struct GrammarGenerator: ProposalSource {
  private static let tries = 40

  public init() {}

  public func reply(to prompt: Prompt) throws -> Proposal {
    var idea = (thought: "A random formula.", formula: "sum(dYG2) / sum(Y2)")
    var grammar = FormulaGrammar(
      random: SplitMix64(seed: prompt.seed), readsMeasurements: prompt.readsMeasurements)
    let known = Set((prompt.parents + prompt.examples).map(\.formula.canonical))
    for _ in 0..<Self.tries {
      let (thought, text) = Self.idea(prompt, &grammar)
      idea = (thought, text)
      if let formula = try? FormulaParser.parse(text), formula.dependsOnBits,
        formula.size <= FormulaGrammar.mostParts, !known.contains(formula.canonical)
      {
        break
      }
    }
    return Proposal(text: "{\"thought\": \"\(idea.thought)\", \"formula\": \"\(idea.formula)\"}")
  }

  private static func idea(
    _ prompt: Prompt, _ grammar: inout FormulaGrammar
  ) -> (thought: String, formula: String) {
    let parents = prompt.parents.map(\.formula)
    switch (prompt.template, parents.count) {
    case (.mutate, 1...): return mutated(parents[0], &grammar)
    case (.crossover, 2...): return crossed(parents[0], parents[1], &grammar)
    default:
      guard !prompt.examples.isEmpty, grammar.random.draw(3) == 0 else {
        return ("Noise over signal of the layer, weighted by what the layer is.", grammar.formula())
      }
      let example = grammar.random.one(of: prompt.examples).formula
      return ("A known proxy, weighted by what the layer is.", "(\(example)) * \(grammar.factor())")
    }
  }

  private static func mutated(
    _ parent: Expression, _ grammar: inout FormulaGrammar
  ) -> (thought: String, formula: String) {
    let parts = parent.parts
    func pick(_ matches: (Expression) -> Bool) -> (path: [Int], part: Expression)? {
      let fitting = parts.filter { matches($0.part) }
      return fitting.isEmpty ? nil : grammar.random.one(of: fitting)
    }
    switch grammar.random.draw(8) {
    case 0, 1:
      guard let (path, part) = pick({ if case .number = $0 { true } else { false } }),
        case .number(let value) = part
      else { break }
      let scale = grammar.random.one(of: [0.5, 0.7, 0.85, 1.15, 1.4, 2])
      let rounded = (value * scale * 1000).rounded() / 1000
      return (
        "Another constant: \(rounded) for \(value).",
        "\(parent.replacing(path, with: .number(rounded)))"
      )
    case 2:
      guard let (path, part) = pick({ if case .statistic = $0 { true } else { false } }),
        case .statistic(let old) = part
      else { break }
      let others = Statistic.allCases.filter {
        $0.type == old.type && $0 != old && grammar.readable.contains($0)
          && $0.dependsOnBits == old.dependsOnBits
      }
      guard !others.isEmpty else { break }
      let new = grammar.random.one(of: others)
      return (
        "\(new.rawValue) in place of \(old.rawValue).",
        "\(parent.replacing(path, with: .statistic(new)))"
      )
    case 3:
      // Simpler: one operand stands for the whole.
      guard
        let (path, part) = pick({
          if case .call(let primitive, _) = $0 { primitive.form == .binary } else { false }
        }), case .call(_, let arguments) = part
      else { break }
      return (
        "Simpler: a part is left out.",
        "\(parent.replacing(path, with: grammar.random.one(of: arguments)))"
      )
    case 4:
      return ("A power of the whole.", grammar.powered("\(parent)"))
    case 5:
      return (
        "Another relative error is added.",
        "\(parent) + \(grammar.constant()) * (\(grammar.relativeError()))"
      )
    case 6:
      guard
        let (path, part) = pick({
          if case .call(let primitive, _) = $0 { primitive.form == .reduction } else { false }
        }), case .call(let old, let arguments) = part
      else { break }
      let new = grammar.random.one(
        of: [Primitive.sum, .mean, .max, .norm, .l1].filter { $0 != old })
      return (
        "\(new.rawValue) in place of \(old.rawValue).",
        "\(parent.replacing(path, with: .call(new, arguments)))"
      )
    default: break
    }
    return ("Weighted by what the layer is.", "(\(parent)) * \(grammar.factor())")
  }

  private static func crossed(
    _ first: Expression, _ second: Expression, _ grammar: inout FormulaGrammar
  ) -> (thought: String, formula: String) {
    switch grammar.random.draw(4) {
    case 0: return ("The geometric mean of both.", "((\(first)) * (\(second))) ^ 0.5")
    case 1:
      return (
        "The sum of both, each relative to its mean over the layers.",
        "(\(first)) / layers_mean(\(first)) + (\(second)) / layers_mean(\(second))"
      )
    default:
      let place = grammar.random.one(of: first.parts.filter { !$0.path.isEmpty } + [([], first)])
      let fitting = second.parts.filter { $0.part.type == place.part.type && $0.part.size > 1 }
      guard !fitting.isEmpty else { break }
      return (
        "A part of one proxy within the other.",
        "\(first.replacing(place.path, with: grammar.random.one(of: fitting).part))"
      )
    }
    return ("The product of both.", "(\(first)) * (\(second))")
  }
}
