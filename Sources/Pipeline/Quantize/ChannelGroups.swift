import GraphIR
import Lowering
import Quantization
import Tensors
import WeightRounding

/// Layers whose output channels, in the order of their damage, may take widths of their own group by group.
///
/// While bits are chosen and weights rounded, each group is a layer by itself and a `Concat` joins their
/// results. What is written is the network that was: one layer with one weight, stored in the type that
/// holds the widest group.
struct ChannelGroups {
  /// The network that will be written, its channels in order.
  let whole: Model
  /// The network with each group as a layer.
  let split: Model
  private let layers: [GroupedLayer]
  /// Layers by the names of their parts.
  private let wholes: [String: GroupedLayer]

  /// Of the layers of the sites, which are those of the model.
  init(
    _ model: Model, layers: [WeightLayer], sites: QuantizationSites, count: Int
  ) throws {
    let ordering = try ChannelOrdering(
      model, layers: RoundingLayer.make(layers, model: model, floors: [:]), count: count)
    whole = try model.applying([ordering.patch])
    var names = NameSupply(whole.graph, nodeNames: true)
    let grouped = sites.layers.compactMap { site -> GroupedLayer? in
      ordering.groups[site.name].map { GroupedLayer(site, sizes: $0, names: &names) }
    }
    self.layers = grouped
    wholes = Dictionary(grouped.flatMap { layer in layer.parts.map { ($0.name, layer) } }) {
      first, _ in first
    }
    split = try whole.applying([
      GraphPatch("split layers into channel groups") { model in
        for layer in grouped { layer.insert(into: &model.graph) }
      }
    ])
  }

  /// Names of the groups of each layer that has some.
  var parts: [String: [String]] {
    Dictionary(layers.map { ($0.site.name, $0.parts.map(\.name)) }) { first, _ in first }
  }

  /// The sites of `whole` as those of `split`.
  func split(_ sites: QuantizationSites) -> QuantizationSites {
    let byName = Dictionary(layers.map { ($0.site.name, $0.parts) }) { first, _ in first }
    let byNode = Dictionary(layers.map { ($0.site.node, $0.parts) }) { first, _ in first }
    var result = sites
    result.layers = sites.layers.flatMap { byName[$0.name] ?? [$0] }
    for index in result.activations.indices {
      result.activations[index].readers = sites.activations[index].readers.flatMap { use in
        byNode[use.node]?.map { QuantizationSites.ValueUse(node: $0.node, input: use.input) } ?? [
          use
        ]
      }
    }
    return result
  }

  /// The plan with each layer whole.
  func joined(_ plan: QuantizationPlan) -> QuantizationPlan {
    let planned = Dictionary(plan.layers.map { ($0.name, $0) }) { first, _ in first }
    var result = plan
    result.layers = plan.layers.compactMap { layer in
      guard let whole = wholes[layer.name] else { return layer }
      guard whole.parts.first?.name == layer.name else { return nil }
      let bits = whole.parts.map { planned[$0.name]?.weightBits ?? layer.weightBits }
      var joined = layer
      (joined.name, joined.weight) = (whole.site.name, whole.site.weight)
      joined.weightBits = bits.max() ?? layer.weightBits
      joined.groups = whole.groups(bits: bits)
      return joined
    }
    return result
  }

  /// Reports with each layer whole: damage and bytes add up.
  func joined(_ reports: [QuantizeReport.Layer]) -> [QuantizeReport.Layer] {
    let known = Dictionary(reports.map { ($0.name, $0) }) { first, _ in first }
    return reports.compactMap { report in
      guard let whole = wholes[report.name] else { return report }
      guard whole.parts.first?.name == report.name else { return nil }
      let parts = whole.parts.compactMap { known[$0.name] }
      var joined = report
      joined.name = whole.site.name
      joined.weightBits = parts.map(\.weightBits).max() ?? report.weightBits
      joined.groups = whole.groups(bits: parts.map(\.weightBits))
      joined.sensitivity = parts.reduce(0) { $0 + $1.sensitivity }
      joined.bytes = parts.reduce(0) { $0 + $1.bytes }
      return joined
    }
  }

  /// Integers by the names of whole weights.
  func joined(_ weights: [String: QuantizedWeight]) -> [String: QuantizedWeight] {
    var result = weights
    for layer in layers {
      let parts = layer.parts.compactMap { result.removeValue(forKey: $0.weight) }
      guard parts.count == layer.parts.count else { continue }
      result[layer.site.weight] = QuantizedWeight(
        integers: Tensor.joining(parts.map(\.integers), axis: layer.site.axis),
        scales: parts.flatMap(\.scales), axis: layer.site.axis,
        bits: parts.map(\.bits).max() ?? 8)
    }
    return result
  }

  /// `whole` with the constants of `model`, which is `split` with some changed.
  func joined(_ model: Model) throws -> Model {
    var changed = model.graph.initializers
    for layer in layers {
      let biases = layer.parts.compactMap { $0.bias.flatMap { changed[$0] } }
      guard let name = layer.site.bias, biases.count == layer.parts.count else { continue }
      changed[name] = Tensor.joining(biases, axis: biases[0].rank - 1)
    }
    return try whole.applying([
      GraphPatch("join channel groups") { [changed] model in
        for (name, tensor) in model.graph.initializers {
          model.graph.initializers[name] = changed[name] ?? tensor
        }
      }
    ])
  }

  /// What the whole layer is called, and the share of its channels, of a group.
  func share(of name: String) -> (layer: String, channels: Double)? {
    guard let layer = wholes[name],
      let index = layer.parts.firstIndex(where: { $0.name == name }),
      let all = layer.channels.last?.upperBound
    else { return nil }
    return (layer.site.name, Double(layer.channels[index].count) / Double(all))
  }
}
