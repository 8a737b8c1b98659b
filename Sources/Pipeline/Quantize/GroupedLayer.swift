import GraphIR
import Lowering
import Quantization
import Tensors

/// A layer whose output channels are several layers.
struct GroupedLayer {
  let site: QuantizationSites.Layer
  let parts: [QuantizationSites.Layer]
  /// Those of each part.
  let channels: [Range<Int>]
  /// The axis of the result that the channels lie on.
  private let channelAxis: Int

  init(_ site: QuantizationSites.Layer, sizes: [Int], names: inout NameSupply) {
    self.site = site
    channelAxis = site.op == "Conv" ? 1 : -1
    var start = 0
    channels = sizes.map { size in
      defer { start += size }
      return start..<start + size
    }
    parts = sizes.indices.map { index in
      var part = site
      part.name = names.fresh("\(site.name)/\(index)")
      part.node = names.fresh("\(site.node)/\(index)")
      part.output = site.output == site.node ? part.node : names.fresh("\(site.output)/\(index)")
      part.weight = names.fresh("\(site.weight)/\(index)")
      part.bias = site.bias.map { names.fresh("\($0)/\(index)") }
      return part
    }
  }

  /// The groups of a layer whose parts have these widths; nil where all have one.
  func groups(bits: [Int]) -> [QuantizationPlan.ChannelGroup]? {
    Set(bits).count < 2
      ? nil : zip(channels, bits).map { .init(channels: $0.count, bits: $1) }
  }

  /// In place of the layer, and of the Add that holds its bias.
  func insert(into graph: inout Graph) {
    guard let position = graph.nodes.firstIndex(where: { $0.identity == site.node }),
      let weight = graph.initializers.removeValue(forKey: site.weight)
    else { return }
    let node = graph.nodes[position]
    let bias = site.bias.flatMap { graph.initializers.removeValue(forKey: $0) }
    // Old files list initializers among the inputs.
    graph.inputs.removeAll { $0.name == site.weight || $0.name == site.bias }
    var nodes: [Node] = []
    for (part, channels) in zip(parts, channels) {
      graph.initializers[part.weight] = weight.picking(channels, axis: site.axis)
      if let name = part.bias, let bias {
        graph.initializers[name] = bias.picking(channels, axis: bias.rank - 1)
      }
      var own = node
      (own.name, own.outputs) = (part.name, [part.node])
      own.inputs[1] = part.weight
      if own.inputs.count > 2, let name = part.bias { own.inputs[2] = name }
      nodes.append(own)
      if part.output != part.node, let name = part.bias {
        nodes.append(
          Node(name: part.output, op: "Add", inputs: [part.node, name], outputs: [part.output]))
      }
    }
    nodes.append(
      Node(
        name: site.name, op: "Concat", inputs: parts.map(\.output), outputs: [site.output],
        attributes: [Attribute("axis", .int(channelAxis))]))
    graph.nodes.replaceSubrange(position...position, with: nodes)
    if site.output != site.node {
      graph.nodes.removeAll { $0.identity == site.output && $0.op == "Add" }
    }
  }
}
