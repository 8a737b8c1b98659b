import FloatRuntime
public import GraphIR
public import Parallelism
public import Tensors

/// Moves samples until the network's values have the means and variances that BatchNormalization saw in
/// training: ZeroQ's distilled data (Cai et al., CVPR 2020), begun at variants of real samples. A few
/// samples see little of what makes channels large; such ones see more.
public struct StatisticsMatching {
  private static let steps = 8
  /// Of Adam, over the range of the samples' values.
  private static let rate: Float = 0.03

  private let engine: GradientEngine
  private let statistics: [String: TrainedStatistics.Channels]
  private let inputs: [String]
  private let pool: WorkerPool

  /// What is moved are those of `inputs` that hold floats. Nil where there are none, where the model has
  /// none of the values, or where gradients do not go back from them.
  public init?(
    model: Model, statistics: TrainedStatistics, inputs: Set<String>, pool: WorkerPool
  ) {
    let present = Set(model.graph.nodes.flatMap(\.outputs))
    self.statistics = statistics.values.filter { present.contains($0.key) }
    self.inputs = model.graph.inputs.filter { input in
      guard inputs.contains(input.name), case .tensor(.float32, _)? = input.type else {
        return false
      }
      return true
    }.map(\.name)
    self.pool = pool
    guard !self.statistics.isEmpty, !self.inputs.isEmpty,
      let engine = try? GradientEngine(
        model: model, of: Set(self.inputs), from: Set(self.statistics.keys), pool: pool)
    else { return nil }
    self.engine = engine
  }

  /// The samples moved together: it is all of them that have the statistics.
  public func matched(_ samples: [[String: Tensor]]) throws -> [[String: Tensor]] {
    var samples = samples
    var optimizers = inputs.map { name in
      samples.map { Adam(count: $0[name]?.count ?? 0, squaresDecay: 0.999) }
    }
    let bounds = inputs.map { name in ValueBounds(samples.compactMap { $0[name] }) }
    for _ in 0..<Self.steps {
      let pull = try pull(samples)
      for index in samples.indices {
        let run = try engine.run(samples[index])
        let gradients = try engine.gradients(of: run, seeds: seeds(run, pull))
        for (position, name) in inputs.enumerated() {
          guard let value = samples[index][name], let gradient = gradients[name] else { continue }
          samples[index][name] = Self.moved(
            value, against: gradient, by: &optimizers[position][index], within: bounds[position])
        }
      }
    }
    return samples
  }

  private static func moved(
    _ value: Tensor, against gradient: Tensor, by optimizer: inout Adam, within bounds: ValueBounds
  ) -> Tensor {
    var values = value.elements(of: Float.self)
    values.withUnsafeMutableBufferPointer { values in
      gradient.withElements(of: Float.self) { gradient in
        optimizer.descend(gradient, rate: rate * bounds.distance) { index, change in
          values[index] = bounds.clamped(values[index] - change)
        }
      }
    }
    return Tensor(values, shape: value.shape)
  }

  /// The gradient with respect to a value is `offset + slope * value`, by channel.
  private struct Pull {
    var offset: [Float]
    var slope: [Float]
  }

  /// Of the mean over the channels of `((mean - m) / unit)^2 + ((deviation - s) / unit)^2`, `m` and `s`
  /// those of all samples together.
  private func pull(_ samples: [[String: Tensor]]) throws -> [String: Pull] {
    var sums = statistics.mapValues { ChannelSums(channels: $0.means.count) }
    for sample in samples {
      let run = try engine.run(sample)
      for name in statistics.keys {
        if let value = run[name] { sums[name]?.add(value, pool: pool) }
      }
    }
    return statistics.reduce(into: [:]) { result, entry in
      guard let sums = sums[entry.key], sums.count > 0 else { return }
      let wanted = entry.value
      let share = 2 / (Double(sums.count) * Double(wanted.means.count))
      var pull = Pull(offset: wanted.means.map { _ in 0 }, slope: wanted.means.map { _ in 0 })
      for channel in wanted.means.indices where wanted.units[channel] > 0 {
        let square = Double(wanted.units[channel]) * Double(wanted.units[channel])
        let mean = sums.mean(channel)
        let deviation = sums.deviation(channel)
        let slope =
          deviation > 0
          ? share * (deviation - Double(wanted.deviations[channel])) / (square * deviation) : 0
        let offset = share * (mean - Double(wanted.means[channel])) / square - slope * mean
        guard slope.isFinite, offset.isFinite else { continue }
        pull.slope[channel] = Float(slope)
        pull.offset[channel] = Float(offset)
      }
      result[entry.key] = pull
    }
  }

  private func seeds(_ run: GradientRun, _ pull: [String: Pull]) -> [String: Tensor] {
    pull.reduce(into: [:]) { result, entry in
      guard let value = run[entry.key], value.rank > 1 else { return }
      let (offset, slope) = (entry.value.offset, entry.value.slope)
      let channels = value.shape[1]
      let plane = Tensor.count(of: Array(value.shape[2...]))
      guard channels == offset.count else { return }
      result[entry.key] = value.withElements(of: Float.self) { values in
        Tensor(shape: value.shape) { (target: UnsafeMutableBufferPointer<Float>) in
          nonisolated(unsafe) let (values, target) = (values, target)
          pool.forEach(value.shape[0] * channels) { block in
            let (a, b) = (offset[block % channels], slope[block % channels])
            for index in block * plane..<(block + 1) * plane {
              target[index] = a + b * values[index]
            }
          }
        }
      }
    }
  }
}
