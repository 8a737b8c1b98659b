import Calibration
public import GraphIR
public import Parallelism
public import Tensors

/// How much work a network's layers are, by running them on a sample.
public struct LayerArithmetic: Sendable {
  /// Shared weights count once.
  public var layers: Int
  /// Multiply-accumulates of one sample.
  public let macs: Int

  public init(
    _ layers: [RoundingLayer], model: Model, sample: [String: Tensor], pool: WorkerPool
  ) throws {
    let flow = NetworkFlow(model, samples: [sample], pool: pool)
    var macs = 0
    var seen: Set<String> = []
    let nodes = layers.filter { seen.insert($0.weight).inserted }
      .compactMap { layer in flow.layer(of: layer.weight).map { (layer, $0) } }
      .sorted { $0.1 < $1.1 }
    for (layer, node) in nodes {
      try flow.advance(to: node)
      guard let input = flow.tensors(flow.node(node).inputs[0])?.first else { continue }
      let positions = try LayerColumns(layer.observed, of: input.shape).count
      macs += positions * layer.rows.count * layer.rows.length
    }
    self.layers = nodes.count
    self.macs = macs
  }
}
