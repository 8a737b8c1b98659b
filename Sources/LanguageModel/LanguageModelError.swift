/// Why a language model gives no reply. No case ever holds the key.
public enum LanguageModelError: Error, Equatable, Sendable {
  case address(String)
  case status(url: String, status: Int, message: String)
  case gaveUp(url: String, attempts: Int, reason: String)
  case command(String, problem: String)
  case cache(path: String, problem: String)
}

extension LanguageModelError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .address(let text):
      "'\(text)' is no address of a chat endpoint; give one like http://localhost:8080/v1"
    case .status(let url, let status, let message):
      "\(url) answers \(status)\(message.isEmpty ? "" : ": \(message)"); \(Self.advice(status))"
    case .gaveUp(let url, let attempts, let reason):
      "\(url) gave no usable reply in \(attempts) attempts: \(reason); a search with --state goes "
        + "on where it stopped"
    case .command(let command, let problem): "--llm-command '\(command)': \(problem)"
    case .cache(let path, let problem): "\(path): \(problem)"
    }
  }

  private static func advice(_ status: Int) -> String {
    switch status {
    case 401, 403: "set TAPQ_LLM_KEY to a key that it accepts"
    case 404: "check the address and --llm-model"
    default: "check --llm and --llm-model"
    }
  }
}
