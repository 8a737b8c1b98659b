public import ProxySearch

// What commands need of the module below, so that they import this one alone.
public typealias Proxy = ProxySearch.Proxy
public typealias ProxyFile = ProxySearch.ProxyFile
public typealias ProxyLibrary = ProxySearch.ProxyLibrary

/// `tapq proxies explain`: a proxy, and what its formula means.
public struct ProxyExplanation: Sendable, Encodable {
  public struct Term: Sendable, Encodable {
    public var name: String
    public var meaning: String
  }

  public var name: String
  public var thought: String
  public var formula: String
  public var canonicalForm: String
  public var provenance: String
  /// What the formula reads.
  public var reads: [Term]
  public var correlations: [Proxy.Correlation]

  private enum CodingKeys: String, CodingKey {
    case name, thought, formula, provenance, reads, correlations
    case canonicalForm = "canonical_form"
  }

  public init(_ proxy: Proxy) {
    name = proxy.name
    thought = proxy.thought
    formula = proxy.source
    canonicalForm = "\(proxy.formula.canonical)"
    provenance = proxy.provenance
    reads = proxy.formula.terms.map { Term(name: $0.name, meaning: $0.meaning) }
    correlations = proxy.correlations
  }
}
