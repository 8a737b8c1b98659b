import Tensors

extension GraphPatch {
  /// Merges every BatchNormalization into the Conv, ConvTranspose or Gemm before it where that
  /// node's result has no other reader and all parameters are float32 constants:
  /// `w' = w * a`, `b' = b * a + beta - mean * a` with `a = gamma / sqrt(variance + epsilon)`.
  public static var foldBatchNormalization: GraphPatch {
    GraphPatch("fold batch normalization") { model in
      model.graph.materializeConstants()
      try model.graph.foldBatchNormalization()
    }
  }
}

extension Graph {
  mutating func foldBatchNormalization() throws {
    var names = NameSupply(self)
    var uses = readCounts
    var producers: [String: Int] = [:]
    var removed: Set<Int> = []
    for index in nodes.indices {
      let node = nodes[index]
      if node.isOperator("BatchNormalization"), let data = node.input(0), uses[data] == 1,
        let before = producers[data],
        !outputs.contains(where: { $0.name == data }),
        let affine = try BatchNormalizationAffine(node, constants: initializers),
        let layer = try FoldableLayer(nodes[before], constants: initializers)
      {
        if let folded = layer.scaled(by: affine) {
          replace(layer: before, layer, with: folded, output: node.identity, &names, &uses)
          removed.insert(index)
          producers[node.identity] = before
          continue
        }
      }
      for output in node.outputs where !output.isEmpty { producers[output] = index }
    }
    guard !removed.isEmpty else { return }
    nodes = nodes.indices.filter { !removed.contains($0) }.map { nodes[$0] }
    removeDeadNodes()
  }

  private mutating func replace(
    layer index: Int, _ layer: FoldableLayer, with folded: (weight: Tensor, bias: Tensor),
    output: String, _ names: inout NameSupply, _ uses: inout [String: Int]
  ) {
    let weight = store(folded.weight, over: layer.weightName, hint: layer.weightName, &names, &uses)
    let bias = store(folded.bias, over: layer.biasName, hint: layer.biasHint, &names, &uses)
    var node = nodes[index]
    node.inputs = [node.inputs[0], weight, bias]
    node.outputs = [output]
    nodes[index] = node
    valueInfos.removeAll { $0.name == layer.outputName }
  }

  /// Stores a constant under its old name where nobody else reads that, else under a new one.
  private mutating func store(
    _ tensor: Tensor, over old: String?, hint: String, _ names: inout NameSupply,
    _ uses: inout [String: Int]
  ) -> String {
    if let old, uses[old] == 1 {
      initializers[old] = tensor
      // The constant is not what a caller would override any more.
      inputs.removeAll { $0.name == old }
      return old
    }
    if let old { uses[old, default: 1] -= 1 }
    let name = names.fresh(hint)
    initializers[name] = tensor
    uses[name] = 1
    return name
  }
}
