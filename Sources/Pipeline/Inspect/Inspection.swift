import FloatRuntime
public import GraphIR
import ONNXFormat

/// `tapq inspect`: what a model costs and what of it cannot be run, found without running it.
public struct Inspection: Sendable, Equatable {
  public var statistics: GraphStatistics
  /// Names of the nodes whose operator is not implemented; the first output's name where a node
  /// has none.
  public var unsupported: [String]
  /// The same with their operators, for people.
  public var unsupportedLabels: [String]

  /// `shapes` gives sizes to inputs with free axes.
  public static func run(model path: String, shapes: [String: [Int]] = [:]) throws -> Inspection {
    let model = try ONNXFile.load(path: path)
    return try ModelError.naming(path) {
      let nodes = try FloatEngine.unsupportedNodes(in: model)
      let sizes =
        shapes.isEmpty
        ? [:]
        : Dictionary(
          try FreeAxes.bind(of: model, to: shapes).map { ($0.input.name, $0.shape) },
          uniquingKeysWith: { first, _ in first })
      return Inspection(
        statistics: try GraphStatistics(model, inputShapes: sizes),
        unsupported: nodes.map { $0.name.isEmpty ? $0.identity : $0.name },
        unsupportedLabels: nodes.map(\.label))
    }
  }
}

extension Inspection: Encodable {
  private enum Key: String, CodingKey { case unsupported }

  /// The keys of the statistics, and `unsupported`.
  public func encode(to encoder: any Encoder) throws {
    try statistics.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(unsupported, forKey: .unsupported)
  }
}
