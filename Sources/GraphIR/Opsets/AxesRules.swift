/// `axes` became an input: Squeeze, Unsqueeze and ReduceSum in 13, the other reductions in 18.
enum AxesRules {
  static let rules: [OpsetUpgrade.VersionedRule] =
    ["Squeeze", "Unsqueeze", "ReduceSum"].map { .init($0, 13, moveAxes) }
    + [
      "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
      "ReduceMin", "ReduceProd", "ReduceSumSquare",
    ].map { .init($0, 18, moveAxes) }

  private static let moveAxes: OpsetUpgrade.Rule = { node, context in
    var node = node
    if let axes = try node.ints("axes") {
      node.removeAttribute("axes")
      // An empty list says the same as no list: every axis.
      if !axes.isEmpty {
        node.inputs = [node.inputs.first ?? "", context.vector(axes, "\(node.identity)_axes")]
      }
    }
    return [node]
  }
}
