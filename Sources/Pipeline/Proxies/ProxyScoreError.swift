/// Why proxies cannot be scored.
public enum ProxyScoreError: Error, Equatable, Sendable {
  case noHeldOutSamples(source: String, count: Int, calibrated: Int)
  case nothingToCompare(model: String)
  case noPlans(model: String, budgets: [Double])
  case duplicate(proxy: String)
}

extension ProxyScoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noHeldOutSamples(let source, let count, let calibrated):
      "\(source) has \(count) samples and proxies see \(calibrated) of them: none is left to judge "
        + "plans on; give more samples or a smaller --samples"
    case .nothingToCompare(let model):
      "the first output of \(model) holds no numbers that plans could be judged by"
    case .noPlans(let model, let budgets):
      "there are no three different plans of \(model) at "
        + budgets.map { "\($0)" }.joined(separator: ", ")
        + " bits on average; try other --budgets or --bits"
    case .duplicate(let proxy):
      "two proxies are called '\(proxy)'; rename the one in the file"
    }
  }
}
