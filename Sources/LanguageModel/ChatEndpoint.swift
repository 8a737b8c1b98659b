import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A server that speaks OpenAI's chat completions: OpenAI itself, DeepSeek, vLLM, llama.cpp, Ollama.
public final class ChatEndpoint: LanguageModel {
  public let url: URL
  public let model: String
  /// Waits that many seconds; replaced in tests.
  var sleep: (Double) -> Void = { Thread.sleep(forTimeInterval: $0) }
  private let key: String?
  private let timeout: Double
  private var schedule: RetrySchedule
  /// Whether the server is asked for a JSON object; given up where it refuses.
  private(set) var asksForJSON = true

  /// `address` is the base of the interface (`https://host/v1`) or the whole address.
  public init(
    address: String, model: String, key: String?, timeout: Double, schedule: RetrySchedule
  ) throws(LanguageModelError) {
    guard let base = URL(string: address), base.scheme == "http" || base.scheme == "https",
      base.host?.isEmpty == false, base.user == nil, base.query == nil
    else { throw .address(address) }
    url =
      address.hasSuffix("/chat/completions")
      ? base : base.appendingPathComponent("chat/completions")
    self.model = model
    self.key = key
    self.timeout = timeout
    self.schedule = schedule
  }

  public func reply(to request: ChatRequest) throws(LanguageModelError) -> ChatReply {
    var reason = ""
    for attempt in 0..<schedule.attempts {
      var retryAfter: Double?
      switch exchange(request) {
      case .success(let response):
        switch response.status {
        case 200:
          if let reply = Self.reply(in: response.body) { return reply }
          reason = "the answer holds no message: \(excerpt(response.body))"
        case 408, 409, 425, 429, 500...599:
          reason = "status \(response.status): \(excerpt(response.body))"
          retryAfter = response.retryAfter.flatMap { RetrySchedule.seconds($0, now: Date()) }
        default:
          throw .status(
            url: url.absoluteString, status: response.status, message: excerpt(response.body))
        }
      case .failure(let failure): reason = failure.reason
      }
      if attempt + 1 < schedule.attempts {
        sleep(schedule.delay(after: attempt, retryAfter: retryAfter))
      }
    }
    throw .gaveUp(url: url.absoluteString, attempts: schedule.attempts, reason: reason)
  }

  /// Asks once, and at once again without the wish for JSON where the server knows no such wish.
  private func exchange(_ request: ChatRequest) -> Result<Transfer.Response, TransferFailure> {
    let result = Transfer.run(http(request), timeout: timeout)
    guard case .success(let response) = result, response.status == 400 || response.status == 422,
      asksForJSON
    else { return result }
    asksForJSON = false
    return Transfer.run(http(request), timeout: timeout)
  }

  private func http(_ request: ChatRequest) -> URLRequest {
    var http = URLRequest(url: url)
    http.httpMethod = "POST"
    http.setValue("application/json", forHTTPHeaderField: "Content-Type")
    if let key { http.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
    var body: [String: Any] = [
      "model": model, "temperature": request.temperature,
      "messages": [["role": "user", "content": request.prompt]],
    ]
    if asksForJSON { body["response_format"] = ["type": "json_object"] }
    http.httpBody = try? JSONSerialization.data(withJSONObject: body, options: .sortedKeys)
    return http
  }

  /// The message of the first choice.
  private static func reply(in body: Data) -> ChatReply? {
    struct Answer: Decodable {
      struct Choice: Decodable {
        struct Message: Decodable { var content: String? }
        var message: Message
      }
      struct Usage: Decodable {
        var prompt_tokens: Int?
        var completion_tokens: Int?
      }
      var choices: [Choice]
      var usage: Usage?
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: body),
      let text = answer.choices.first?.message.content
    else { return nil }
    let limit = 1 << 40
    return ChatReply(
      text: text, promptTokens: min(max(answer.usage?.prompt_tokens ?? 0, 0), limit),
      completionTokens: min(max(answer.usage?.completion_tokens ?? 0, 0), limit))
  }

  /// A little of what the server says, on one line and without the key.
  private func excerpt(_ body: Data) -> String {
    var text = String(decoding: body.prefix(4096), as: UTF8.self)
    if let key, !key.isEmpty { text = text.replacingOccurrences(of: key, with: "***") }
    let visible = text.unicodeScalars.map { scalar -> Character in
      scalar.properties.generalCategory == .control
        || scalar.properties.generalCategory == .format ? " " : Character(scalar)
    }
    return String(visible.prefix(200)).trimmingCharacters(in: .whitespaces)
  }
}
