/// A labelled rewrite of a model. Applying it validates the result, so that a broken rewrite is
/// named where it happens.
public struct GraphPatch: Sendable {
  public let label: String
  private let rewrite: @Sendable (inout Model) throws -> Void

  public init(_ label: String, rewrite: @escaping @Sendable (inout Model) throws -> Void) {
    self.label = label
    self.rewrite = rewrite
  }

  /// The rewritten model. Throws what the rewrite throws, or `GraphPatchError` where the result
  /// breaks an invariant.
  public func apply(to model: Model) throws -> Model {
    var result = model
    try rewrite(&result)
    do {
      try result.graph.validate()
    } catch {
      throw GraphPatchError(label: label, broken: error)
    }
    return result
  }
}

/// A rewrite left the graph invalid; a defect of tapq, not of the input.
public struct GraphPatchError: Error, CustomStringConvertible {
  public let label: String
  public let broken: GraphError

  public var description: String { "rewrite '\(label)' broke the graph: \(broken)" }
}

extension Model {
  /// Applies the patches in order.
  public func applying(_ patches: [GraphPatch]) throws -> Model {
    try patches.reduce(self) { try $1.apply(to: $0) }
  }
}
