import Calibration
import GraphIR
import Lowering
import Quantization
import Tensors

/// A quantizable layer with what the stages need of its graph.
struct WeightLayer: Sendable {
  let site: QuantizationSites.Layer
  let rows: WeightRows
  let observed: ObservedLayer
  let bias: [Float]?
  /// Another layer before it has the same weight: integers and bytes are that layer's.
  let repeatsWeight: Bool

  var name: String { site.name }

  /// The layers of the sites, in graph order. `block`: entries of a product's weights that share a scale,
  /// where their depth is a multiple of that; nil: one scale for each output channel.
  static func make(
    _ model: Model, sites: QuantizationSites, block: Int? = nil
  ) throws -> [WeightLayer] {
    let nodes = Dictionary(
      model.graph.nodes.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
    var seen: [String: WeightRows] = [:]
    return try sites.layers.map { site in
      guard let node = nodes[site.node], let weight = model.graph.initializers[site.weight] else {
        throw GraphError.valueUndefined(node: "\(site.op) '\(site.name)'", value: site.weight)
      }
      let earlier = seen[site.weight]
      let rows =
        try earlier
        ?? WeightRows(
          weight, named: site.weight, axis: site.axis, block: site.op == "Conv" ? nil : block)
      seen[site.weight] = rows
      return WeightLayer(
        site: site, rows: rows,
        observed: try ObservedLayer(name: site.name, node: node, weightShape: weight.shape),
        bias: site.bias.flatMap { model.graph.constant($0) }
          .flatMap { $0.elementType == .float32 ? $0.elements(of: Float.self) : nil },
        repeatsWeight: earlier != nil)
    }
  }

  /// Bytes of weights packed at `bits`, scales and bias.
  func bytes(bits: Int) -> Int {
    let weights = (rows.count * rows.length * bits + 7) / 8
    return (repeatsWeight ? 0 : weights + 4 * rows.scaleCount) + 4 * (bias?.count ?? 0)
  }

  /// In a plan that gives it `bits`.
  func planned(bits: Int) -> QuantizationPlan.Layer {
    .init(
      name: name, op: site.op, weight: site.weight, axis: site.axis, weightBits: bits,
      block: rows.blocks > 1 ? rows.block : nil)
  }
}

extension Graph {
  /// An initializer, or the tensor of a `Constant` node.
  func constant(_ name: String) -> Tensor? {
    if let tensor = initializers[name] { return tensor }
    guard let node = nodes.first(where: { $0.isOperator("Constant") && $0.outputs.first == name }),
      case .tensor(let named)? = node.attribute("value")
    else { return nil }
    return named.tensor
  }
}
