/// The multiply-accumulates of one node; nil for nodes that are no layers.
struct LayerCost {
  /// Nil where a shape is not known.
  let macs: Int?

  init?(_ node: Node, types: [String: ValueType]) {
    guard node.domain.isEmpty else { return nil }
    func shape(_ index: Int) -> [Int]? { node.input(index).flatMap { types[$0]?.fixedShape } }
    let output = types[node.identity]?.fixedShape
    switch node.op {
    case "Conv", "ConvInteger", "QLinearConv", "DeformConv":
      // Every output element sums over its group's channels and the window.
      let weight = shape(node.op == "QLinearConv" ? 3 : 1)
      macs = LayerCost.product(output, weight.map { Array($0.dropFirst()) })
    case "ConvTranspose":
      // Every input element is spread over the window of its group's output channels.
      macs = LayerCost.product(shape(0), shape(1).map { Array($0.dropFirst()) })
    case "Gemm":
      let isTransposed = (try? node.int("transA")) ?? 0 != 0
      let inner = shape(0).flatMap { $0.count == 2 ? $0[isTransposed ? 0 : 1] : nil }
      macs = LayerCost.product(output, inner.map { [$0] })
    case "MatMul", "MatMulInteger", "QLinearMatMul":
      macs = LayerCost.product(output, shape(0)?.last.map { [$0] })
    case "LSTM", "GRU", "RNN":
      // Both weights are read once a step and sample.
      guard let data = shape(0), data.count == 3, let weight = shape(1), let recurrence = shape(2)
      else {
        macs = nil
        return
      }
      let perStep = LayerCost.product(weight, [1]).flatMap { input in
        LayerCost.product(recurrence, [1]).map { $0.addingReportingOverflow(input).partialValue }
      }
      macs = LayerCost.product(Array(data.prefix(2)), perStep.map { [$0] })
    default: return nil
    }
  }

  /// The product of all sizes; nil where a shape is missing or the product overflows.
  private static func product(_ left: [Int]?, _ right: [Int]?) -> Int? {
    guard let left, let right else { return nil }
    var result = 1
    for size in left + right {
      let (next, overflow) = result.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      result = next
    }
    return result
  }
}
