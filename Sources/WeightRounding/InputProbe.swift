public import GraphIR
public import Parallelism
public import Quantization
public import Tensors

/// Quantizes one value of the network at a time and measures what that does to the outputs.
public struct InputProbe {
  private let model: Model
  private let samples: [[String: Tensor]]
  private let pool: WorkerPool

  /// `extent` says how many of the samples are looked at.
  public init(
    model: Model, samples: [[String: Tensor]], extent: TrialExtent, pool: WorkerPool
  ) throws {
    guard !samples.isEmpty else { throw WeightRoundingError.noSamples }
    self.model = model
    self.samples = Array(samples.prefix(extent.folds * extent.heldSamples))
    self.pool = pool
  }

  /// Distance of the network's outputs from those of the float network, by value and bits; the same
  /// distance that `SensitivityProbe` measures for weights.
  public func distances(
    _ quantizers: [String: [Int: AffineParameters]], progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [String: [Int: Double]] {
    let reference = OutputDistance(
      reference: try NetworkFlow(model, samples: samples, pool: pool).finish(), of: samples)
    let flow = NetworkFlow(model, samples: samples, pool: pool)
    let ordered = quantizers.map { (value: $0.key, node: flow.producer(of: $0.key) ?? -1) }
      .sorted { ($0.node, $0.value) < ($1.node, $1.value) }
    var result: [String: [Int: Double]] = [:]
    for (index, entry) in ordered.enumerated() {
      let (value, node) = entry
      try flow.advance(to: node + 1, keeping: value)
      defer { progress(index + 1, ordered.count) }
      guard let tensors = flow.tensors(value) else { continue }
      for (bits, quantizer) in quantizers[value] ?? [:] {
        let trial = flow.fork()
        trial.replace(value: value, by: tensors.map(quantizer.rounded))
        result[value, default: [:]][bits] = reference.distance(to: try trial.finish())
      }
    }
    return result
  }
}

extension AffineParameters {
  /// What is left of the values.
  fileprivate func rounded(_ tensor: Tensor) -> Tensor {
    Tensor(
      tensor.elements(of: Float.self).map { dequantize(quantize($0)) }, shape: tensor.shape)
  }
}
