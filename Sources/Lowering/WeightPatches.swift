import GraphIR
import Quantization
import Tensors

extension GraphPatch {
  /// Replaces the float weights by integers. The dequantized weight keeps the weight's name, so
  /// that layers that share a weight go on sharing it.
  static func quantizeWeights(
    _ weights: [String: QuantizedWeight], sites: QuantizationSites, plan: QuantizationPlan
  ) -> GraphPatch {
    GraphPatch("quantize weights") { model in
      var scope = NameSupply(model.graph, nodeNames: true)
      var insertion = NodeInsertion()
      var done: Set<String> = []
      let index = GraphIndex(model.graph)
      for layer in sites.layers where done.insert(layer.weight).inserted {
        guard let weight = weights[layer.weight], let position = index.producers[layer.node]
        else { continue }
        let nodes = store(
          weight, as: layer.weight, form: WeightForm(of: weight, op: layer.op, plan: plan),
          in: &model.graph, scope: &scope)
        insertion.insert(nodes, before: position)
      }
      model.graph.nodes = insertion.applied(to: model.graph.nodes)
    }
  }

  private static func store(
    _ weight: QuantizedWeight, as name: String, form: WeightForm, in graph: inout Graph,
    scope: inout NameSupply
  ) -> [Node] {
    let integers = scope.fresh(name + "_quantized")
    let scale = scope.fresh(name + "_scale")
    let zeroPoint = scope.fresh(name + "_zero_point")
    graph.replaceInitializer(
      name,
      by: [
        (integers, WeightEncoding.pack(weight.integers, as: form.stored)),
        (scale, form.scales),
        (zeroPoint, WeightEncoding.zeros(form.scales.shape, of: form.dequantized)),
      ])
    var nodes: [Node] = []
    var source = integers
    if form.stored != form.dequantized {
      source = scope.fresh(name + "_cast")
      nodes.append(
        Node(
          name: scope.fresh(name + "_Cast"), op: "Cast", inputs: [integers], outputs: [source],
          attributes: [Attribute("to", .int(Int(form.dequantized.rawValue)))]))
    }
    nodes.append(
      Node(
        name: scope.fresh(name + "_DequantizeLinear"), op: "DequantizeLinear",
        inputs: [source, scale, zeroPoint], outputs: [name],
        attributes: form.attributes))
    return nodes
  }

  /// Replaces the float biases by int32. A bias that other nodes read as well stays for them.
  static func quantizeBiases(_ biases: [BiasQuantization.Bias]) -> GraphPatch {
    GraphPatch("quantize biases") { model in
      var scope = NameSupply(model.graph, nodeNames: true)
      var insertion = NodeInsertion()
      let index = GraphIndex(model.graph)
      for bias in biases {
        guard let position = index.producers[bias.layer.output],
          let input = model.graph.nodes[position].inputs.lastIndex(of: bias.name)
        else { continue }
        let isOwn = index.consumers[bias.name]?.count == 1 && !index.isVisibleOutside(bias.name)
        let keepsName = isOwn && model.graph.initializers[bias.name] != nil
        let output = keepsName ? bias.name : scope.fresh(bias.name + "_dequantized")
        let integers = scope.fresh(bias.name + "_quantized")
        let scale = scope.fresh(bias.name + "_scale")
        let added = [(integers, bias.integers), (scale, bias.scales)]
        if keepsName {
          model.graph.replaceInitializer(bias.name, by: added)
        } else {
          for (name, tensor) in added { model.graph.initializers[name] = tensor }
          model.graph.nodes[position].inputs[input] = output
        }
        insertion.insert(
          [
            Node(
              name: scope.fresh(bias.name + "_DequantizeLinear"), op: "DequantizeLinear",
              inputs: [integers, scale], outputs: [output],
              attributes: [Attribute("axis", .int(0))])
          ], before: position)
      }
      model.graph.nodes = insertion.applied(to: model.graph.nodes)
      let remaining = GraphIndex(model.graph)
      for name in Set(biases.map(\.name)) {
        guard remaining.consumers[name] == nil, !remaining.isVisibleOutside(name) else { continue }
        model.graph.initializers.removeValue(forKey: name)
      }
    }
  }
}

extension Graph {
  /// Puts new initializers in the place of an old one.
  mutating func replaceInitializer(_ name: String, by added: [(String, Tensor)]) {
    guard let position = initializers.index(forKey: name) else { return }
    initializers.remove(at: position)
    for (offset, entry) in added.enumerated() {
      initializers.updateValue(entry.1, forKey: entry.0, insertingAt: position + offset)
    }
  }
}
