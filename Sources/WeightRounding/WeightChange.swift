public import GraphIR
public import Parallelism
public import Quantization
public import Tensors

/// What changing the weight of one layer at a time does to the network's outputs: the distance of
/// `OutputDistance` from those of the network as it is, on all samples.
public struct WeightChange {
  private let model: Model
  private let samples: [[String: Tensor]]
  private let pool: WorkerPool

  public init(model: Model, samples: [[String: Tensor]], pool: WorkerPool) throws {
    guard !samples.isEmpty else { throw WeightRoundingError.noSamples }
    (self.model, self.samples, self.pool) = (model, samples, pool)
  }

  /// By weight name. `change` gives the values of a weight in the order of its rows, by the layer's
  /// place.
  public func distances(
    _ layers: [RoundingLayer], change: (Int, WeightRows) -> [Float],
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [String: Double] {
    let reference = OutputDistance(
      reference: try NetworkFlow(model, samples: samples, pool: pool).finish(), of: samples)
    let flow = NetworkFlow(model, samples: samples, pool: pool)
    let placed = try layers.enumerated().map { index, layer in
      guard let node = flow.layer(of: layer.weight) else {
        throw WeightRoundingError.layerMissing(layer: layer.name, weight: layer.weight)
      }
      return (index: index, layer: layer, node: node)
    }.sorted { $0.node < $1.node }
    var result: [String: Double] = [:]
    for (done, place) in placed.enumerated() {
      try flow.advance(to: place.node)
      let changed = flow.fork()
      let rows = place.layer.rows
      changed.replace(
        place.layer.weight,
        by: rows.restored(
          floats: Tensor(change(place.index, rows), shape: [rows.count, rows.length])))
      result[place.layer.weight] = reference.distance(to: try changed.finish())
      progress(done + 1, placed.count)
    }
    return result
  }
}

extension WeightRows {
  /// The weights with a share of them, those of the smallest magnitude, set to zero.
  public func pruned(share: Double) -> [Float] {
    let weights = values.elements(of: Float.self)
    let order = weights.indices.sorted { (abs(weights[$0]), $0) < (abs(weights[$1]), $1) }
    var result = weights
    for index in order.prefix(Int(share * Double(weights.count))) { result[index] = 0 }
    return result
  }

  /// The weights with standard normal noise added.
  public func disturbed(seed: Int) -> [Float] {
    var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
    return values.elements(of: Float.self).map { $0 + Float(generator.normal()) }
  }
}
