import LanguageModel
import ProxySearch

/// Asks a language model what the templates say.
struct ModelSource: ProposalSource {
  let model: any LanguageModel
  let templates: PromptTemplates
  let temperature: Double

  func reply(to prompt: Prompt) throws -> Proposal {
    let reply = try model.reply(
      to: ChatRequest(
        prompt: prompt.text(templates), temperature: temperature, identity: prompt.identity))
    return Proposal(
      text: reply.text, promptTokens: reply.promptTokens, completionTokens: reply.completionTokens)
  }

  /// What the options name, and its cache where there is a folder for one; nil for the grammar.
  static func model(_ options: SearchOptions) throws -> (any LanguageModel)? {
    let model: any LanguageModel
    let name: String
    switch options.generator {
    case .grammar: return nil
    case .endpoint(let address, let modelName, let key):
      let seed = UInt64(bitPattern: Int64(options.settings.seed))
      model = try ChatEndpoint(
        address: address, model: modelName, key: key, timeout: options.timeout,
        schedule: RetrySchedule(attempts: options.llmAttempts, seed: seed))
      name = "\(modelName) \(options.temperature)"
    case .command(let command):
      model = CommandModel(command: command, timeout: options.timeout)
      name = command
    }
    guard let state = options.state else { return model }
    return try ReplyCache(folder: state + "/replies", name: name, model: model)
  }
}

extension LanguageModelError: UnmetRequestError {}
