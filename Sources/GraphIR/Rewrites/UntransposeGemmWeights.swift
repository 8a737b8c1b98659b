import Tensors

extension GraphPatch {
  /// Stores the constant weights of `Gemm` as `[K, N]`, with `transB` 0: the order in which runtimes
  /// fuse products with weights that are integers. Only weights that nothing else reads.
  public static var untransposeGemmWeights: GraphPatch {
    GraphPatch("untranspose Gemm weights") { model in
      var readers: [String: Int] = [:]
      for node in model.graph.nodes {
        for name in node.inputs { readers[name, default: 0] += 1 }
        for name in node.subgraphs.flatMap(\.capturedNames) { readers[name, default: 0] += 1 }
      }
      let visible = Set(model.graph.outputs.map(\.name) + model.graph.inputs.map(\.name))
      for position in model.graph.nodes.indices {
        let node = model.graph.nodes[position]
        guard node.isOperator("Gemm"), try node.int("transB") ?? 0 != 0,
          let name = node.input(1), readers[name] == 1, !visible.contains(name),
          let weight = model.graph.initializers[name], weight.rank == 2,
          weight.elementType == .float32
        else { continue }
        model.graph.initializers[name] = weight.transposedMatrix()
        model.graph.nodes[position].attributes.removeAll { $0.name == "transB" }
      }
    }
  }
}
