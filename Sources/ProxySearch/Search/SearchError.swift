/// Why a search cannot go on.
public enum SearchError: Error, Equatable, Sendable {
  case templates(path: String, problem: String)
  case state(path: String, problem: String)
  case nothingFound(tries: Int, last: String)
}

extension SearchError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .templates(let path, let problem):
      "\(path): \(problem); `tapq search --print-templates DIR` writes the shipped ones"
    case .state(let path, let problem): "\(path): \(problem); give another --state"
    case .nothingFound(let tries, let last):
      "none of \(tries) replies holds a proxy that works; the last: \(last)"
    }
  }
}
