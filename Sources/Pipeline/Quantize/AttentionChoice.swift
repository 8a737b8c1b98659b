import GraphIR

/// Whether products of two computed values run in integers: the scores and weighted values of
/// attentions.
public enum AttentionChoice: String, Sendable, CaseIterable {
  case whereItPays = "auto"
  case integers = "8"
  case float = "32"

  /// The part of all multiply-accumulates from which on integer products save more than quantizing
  /// what they read costs, in ONNX Runtime too.
  private static let worthwhileShare = 0.1

  /// `shapes` are those of the inputs.
  func quantizes(_ model: Model, shapes: [String: [Int]]) throws -> Bool {
    guard self == .whereItPays else { return self == .integers }
    let statistics = try GraphStatistics(model, inputShapes: shapes)
    let products = statistics.layers.filter { $0.op == "MatMul" && $0.weightBytes == 0 }
    let macs = products.reduce(0.0) { $0 + Double($1.macs ?? 0) }
    return macs >= Self.worthwhileShare * Double(max(statistics.macs, 1))
  }
}
