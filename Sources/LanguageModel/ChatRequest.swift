/// A question to a language model.
public struct ChatRequest: Sendable, Equatable {
  public var prompt: String
  public var temperature: Double
  /// Tells apart requests with the same prompt that want different replies.
  public var identity: String

  public init(prompt: String, temperature: Double, identity: String) {
    self.prompt = prompt
    self.temperature = temperature
    self.identity = identity
  }
}

/// What came back.
public struct ChatReply: Sendable, Codable, Equatable {
  public var text: String
  /// 0 where the server does not count them.
  public var promptTokens: Int
  public var completionTokens: Int

  public init(text: String, promptTokens: Int = 0, completionTokens: Int = 0) {
    self.text = text
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
  }
}

/// Anything that answers prompts.
public protocol LanguageModel {
  func reply(to request: ChatRequest) throws(LanguageModelError) -> ChatReply
}
