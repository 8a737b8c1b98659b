import GraphIR

/// Cuts a network into the blocks that are reconstructed together: between two places where a single
/// value holds all that earlier layers gave, as the sum behind a residual branch does (BRECQ: Y. Li
/// et al., "Pushing the limit of post-training quantization by block reconstruction", 2021).
struct BlockPartition {
  struct Block: Equatable {
    /// Nodes, in graph order; blocks follow each other without gaps.
    var nodes: Range<Int>
    /// The value that later blocks read.
    var exit: String
    /// The nodes of the block that multiply by a weight.
    var layers: [Int]
  }

  let blocks: [Block]

  /// What belongs to the layers before it.
  private static let followers: Set<String> = [
    "Add", "Mul", "Relu", "LeakyRelu", "PRelu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid",
    "Tanh", "Erf", "Gelu", "BatchNormalization", "LayerNormalization",
  ]

  /// `layers`: positions of the nodes that are rounded.
  init(_ graph: Graph, layers: Set<Int>) {
    var blocks: [Block] = []
    var start = 0
    for cut in Self.cuts(graph, layers: layers) {
      let nodes = start..<cut.node + 1
      let own = nodes.filter(layers.contains)
      if own.isEmpty {
        guard let last = blocks.indices.last, blocks[last].nodes.upperBound == start,
          nodes.allSatisfy({ Self.followers.contains(graph.nodes[$0].op) })
        else { continue }
        blocks[last].nodes = blocks[last].nodes.lowerBound..<nodes.upperBound
        blocks[last].exit = cut.value
      } else if let last = blocks.last, last.layers.count == 1, own.count == 1,
        last.nodes.upperBound == start, Self.isGrouped(graph.nodes[last.layers[0]])
      {
        // A depthwise layer alone has too little to choose from.
        blocks[blocks.count - 1] = Block(
          nodes: last.nodes.lowerBound..<nodes.upperBound, exit: cut.value,
          layers: last.layers + own)
      } else {
        blocks.append(Block(nodes: nodes, exit: cut.value, layers: own))
      }
      start = nodes.upperBound
    }
    self.blocks = blocks
  }

  private static func isGrouped(_ node: Node) -> Bool {
    ((try? node.int("group")) ?? 1) > 1
  }

  /// The nodes behind which one value is all that is left of earlier layers, and that value.
  private static func cuts(
    _ graph: Graph, layers: Set<Int>
  ) -> [(node: Int, value: String)] {
    var lastReads: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      var names: Set<String> = []
      node.collectReads(into: &names)
      for name in names { lastReads[name] = index }
    }
    for output in graph.outputs { lastReads[output.name] = .max }
    var live: Set<String> = []
    var touched: Set<String> = []
    var cuts: [(Int, String)] = []
    for (index, node) in graph.nodes.enumerated() {
      if layers.contains(index) || node.inputs.contains(where: touched.contains) {
        touched.formUnion(node.outputs)
        live.formUnion(node.outputs)
      }
      live = live.filter { lastReads[$0, default: -1] > index }
      if live.count == 1, let value = live.first, !touched.isEmpty { cuts.append((index, value)) }
    }
    return cuts
  }
}
