import GraphIR
import Tensors

/// Finds the layers whose integer form computes the same thing as ONNX Runtime's fused kernel.
struct LayerRecognition {
  let index: GraphIndex
  /// Initializers; only these are quantized, never the result of a node.
  let initializers: [String: Tensor]

  func layers(in graph: Graph) throws(GraphError) -> [QuantizationSites.Layer] {
    var nameCounts: [String: Int] = [:]
    for node in graph.nodes { nameCounts[node.name, default: 0] += 1 }
    var layers: [QuantizationSites.Layer] = []
    for node in graph.nodes {
      guard var layer = try layer(of: node) else { continue }
      if node.name.isEmpty || nameCounts[node.name] != 1 { layer.name = node.identity }
      layers.append(layer)
    }
    return settleSharedWeights(layers)
  }

  private func layer(of node: Node) throws(GraphError) -> QuantizationSites.Layer? {
    guard node.domain.isEmpty, let input = node.input(0), let weight = node.input(1),
      let tensor = initializers[weight], tensor.elementType == .float32, tensor.count > 0,
      index.constants[input] == nil, !index.isVisibleOutside(weight), let output = node.output(0)
    else { return nil }
    var layer = QuantizationSites.Layer(
      name: node.name, op: node.op, node: node.identity, weight: weight, axis: 0, group: 1,
      input: input, bias: nil, output: output, sharesWeight: false)
    switch node.op {
    case "Conv":
      guard tensor.rank >= 3 else { return nil }
      layer.group = try node.int("group") ?? 1
      if let bias = node.input(2) {
        guard isBias(bias, channels: tensor.shape[0]) else { return nil }
        layer.bias = bias
      }
    case "Gemm":
      guard tensor.rank == 2, try isPlain(gemm: node) else { return nil }
      layer.axis = try node.int("transB") ?? 0 == 0 ? 1 : 0
      if let bias = node.input(2) {
        guard isBias(bias, channels: tensor.shape[layer.axis]) else { return nil }
        layer.bias = bias
      }
    case "MatMul":
      guard tensor.rank == 2 else { return nil }
      layer.axis = 1
      if let add = index.onlyConsumer(of: output), add.isOperator("Add"),
        let bias = add.inputs.first(where: { $0 != output }),
        isBias(bias, channels: tensor.shape[1]), index.constants[bias]?.rank == 1,
        let sum = add.output(0)
      {
        layer.bias = bias
        layer.output = sum
      }
    default: return nil
    }
    return layer
  }

  /// `alpha * A * B + beta * C` with both factors 1 and A as it is.
  private func isPlain(gemm node: Node) throws(GraphError) -> Bool {
    let alpha = try node.float("alpha") ?? 1
    let beta = try node.float("beta") ?? 1
    let transposed = try node.int("transA") ?? 0 != 0
    return alpha == 1 && beta == 1 && !transposed
  }

  /// One value for each output channel, in any shape that broadcasts so.
  private func isBias(_ name: String, channels: Int) -> Bool {
    guard let tensor = index.constants[name], tensor.elementType == .float32 else { return false }
    return tensor.count == channels && (tensor.shape.last ?? 1) == channels
  }

  /// Layers that share a weight share its scales, so they have to agree on the channel axis.
  /// A weight that another operator reads too stays float.
  private func settleSharedWeights(
    _ layers: [QuantizationSites.Layer]
  ) -> [QuantizationSites.Layer] {
    let byWeight = Dictionary(grouping: layers, by: \.weight)
    return layers.compactMap { layer in
      guard let sharing = byWeight[layer.weight],
        sharing.allSatisfy({ $0.axis == layer.axis && $0.group == layer.group }),
        index.uses[layer.weight]?.count == sharing.count
      else { return nil }
      var layer = layer
      layer.sharesWeight = sharing.count > 1
      return layer
    }
  }
}
