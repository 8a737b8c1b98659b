/// A proxy that a search tried, or a reply that was none.
public struct Candidate: Sendable, Codable, Equatable {
  public var generation: Int
  public var slot: Int
  /// Counted from 0: a slot whose first reply was no good is asked for again.
  public var attempt: Int
  public var template: PromptTemplate
  public var parents: [String]
  public var thought: String
  /// Empty where the reply held none.
  public var formula: String
  public var failure: String?
  public var verdict: Verdict?
  public var promptTokens: Int
  public var completionTokens: Int

  public var name: String { "g\(generation)-\(slot)" }
  /// Of all that can be judged the higher the better.
  public var fitness: Double { verdict?.fitness ?? -.infinity }

  enum CodingKeys: String, CodingKey {
    case generation, slot, attempt, template, parents, thought, formula, failure, verdict
    case promptTokens = "prompt_tokens"
    case completionTokens = "completion_tokens"
  }
}
