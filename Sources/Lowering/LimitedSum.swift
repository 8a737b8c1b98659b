public import GraphIR

/// Two activations whose sum a `Relu` or `Clip` cuts off before anything else reads it, as at the end
/// of a residual block.
public struct LimitedSum: Sendable, Equatable {
  public var operands: [String]
  /// What the sum is cut off at; nil where that side is open.
  public var lowerLimit: Float?
  public var upperLimit: Float?
}

extension QuantizationSites {
  /// Sums of two quantized activations of which only what lies within limits is used.
  public func limitedSums(in graph: Graph) -> [LimitedSum] {
    let index = GraphIndex(graph)
    let quantized = Set(activations.map(\.value))
    return activations.compactMap { site in
      guard let node = site.unlimited.flatMap(index.producer(of:)), node.isOperator("Add"),
        Set(node.inputs).count == 2, quantized.isSuperset(of: node.inputs)
      else { return nil }
      return LimitedSum(
        operands: node.inputs, lowerLimit: site.lowerLimit, upperLimit: site.upperLimit)
    }
  }
}
