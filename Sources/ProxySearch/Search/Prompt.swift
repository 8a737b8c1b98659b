/// A question for a new proxy, as data and as text.
public struct Prompt: Sendable {
  public struct Shown: Sendable {
    public var thought: String
    public var formula: Expression
    public var source: String
    public var verdict: Verdict?
  }

  public var template: PromptTemplate
  public var parents: [Shown]
  public var examples: [Shown]
  /// Why earlier replies were no good, the latest last.
  public var failures: [String]
  /// Tells apart questions that read the same.
  public var identity: String
  public var seed: UInt64
  /// Formulas may read measurements of one layer at a time.
  public var readsMeasurements = false

  public func text(_ templates: PromptTemplates) -> String {
    var text = templates[template]
    let notes =
      failures.isEmpty
      ? ""
      : "\nEarlier replies failed:\n" + failures.map { "- \($0)" }.joined(separator: "\n") + "\n"
    // What is filled in is not looked through for further marks.
    let parts = [
      "language": Prompt.language(readsMeasurements: readsMeasurements),
      "examples": Prompt.list(examples), "failures": notes, "parents": Prompt.list(parents),
    ]
    var result = ""
    while let open = text.firstRange(of: "{{") {
      result += text[..<open.lowerBound]
      let rest = text[open.upperBound...]
      guard let close = rest.firstRange(of: "}}"),
        let part = parts[String(rest[..<close.lowerBound])]
      else {
        result += "{{"
        text = String(rest)
        continue
      }
      result += part
      text = String(rest[close.upperBound...])
    }
    return result + text
  }

  private static func list(_ shown: [Shown]) -> String {
    shown.map { one in
      var line = "- formula: \(one.source)\n  thought: \(one.thought)"
      if let verdict = one.verdict {
        line += "\n  fitness \(rounded(verdict.fitness))"
        for network in verdict.networks {
          line +=
            "; \(network.network): rank correlations "
            + network.correlations.map(rounded).joined(separator: ", ")
            + ", fidelity \(rounded(network.fidelity))"
        }
      }
      return line
    }.joined(separator: "\n")
  }

  private static func rounded(_ value: Double) -> String {
    "\((value * 10_000).rounded() / 10_000)"
  }

  /// The language of formulas, in words.
  static func language(readsMeasurements: Bool) -> String {
    let statistics = Statistic.allCases.filter { readsMeasurements || !$0.isMeasured }
      .map { "  \($0.rawValue): \($0.meaning) (\($0.type))" }
    func names(_ forms: Primitive.Form...) -> String {
      Primitive.allCases.filter {
        forms.contains($0.form) && Primitive.callable[$0.rawValue] != nil
      }
      .map(\.rawValue).joined(separator: " ")
    }
    let fitting = Primitive.allCases.compactMap { primitive in
      primitive.meaning.map { "\nOf a formula x: \(primitive.rawValue)(x), \($0)" }
    }
    return """
      A formula is an expression that gives one number for a layer. It may read:
      \(statistics.joined(separator: "\n"))
      Operators: + - * / ^ and parentheses. Smaller values are repeated along what they lack.
      Elementwise: \(names(.unary, .binary, .reshaping))
      To one number: \(names(.reduction))
      By output channel (of a matrix): \(names(.rowReduction)); by input: \(names(.columnReduction)); matmul(matrix, inputs)
      Of one number of each layer, over all layers: \(names(.layers))\(readsMeasurements ? fitting.joined() : "")
      """
  }
}

/// Whoever answers prompts.
public protocol ProposalSource {
  /// The reply as text, and what it took.
  func reply(to prompt: Prompt) throws -> Proposal
}

public struct Proposal: Sendable, Equatable {
  public var text: String
  public var promptTokens: Int
  public var completionTokens: Int

  public init(text: String, promptTokens: Int = 0, completionTokens: Int = 0) {
    self.text = text
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
  }
}
