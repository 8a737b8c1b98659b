import FloatRuntime
import GraphIR
import Parallelism
import Quantization
import Tensors

/// Learns the rounding of all layers of a block at once, at the block's output: by gradients of
/// `||y - t||^2 / ||t - mean t||^2`, where `t` is what the float network gives.
///
/// What the block reads is, value by value at random, that of the network rounded so far or that of
/// the float network, so that weights do not fit the errors of a few samples (QDrop: X. Wei et al.,
/// "QDrop: randomly dropping quantization for extremely low-bit post-training quantization", 2022).
struct BlockReconstruction {
  /// A layer and the integers to start from.
  struct Start {
    let layer: RoundingLayer
    let weight: QuantizedWeight
    /// Of each entry, in the order of the rows.
    let scales: [Float]

    init(layer: RoundingLayer, weight: QuantizedWeight) {
      self.layer = layer
      self.weight = weight
      scales = weight.scalesOfEntries
    }
  }

  /// The block alone, biases as they go with the starting integers.
  let model: Model
  let exit: String
  let starts: [Start]
  /// By sample: what the block reads in the network rounded so far, the same in the float network
  /// where it is known, and what the block should give.
  let inputs: [[String: Tensor]]
  let expectedInputs: [[String: Tensor]]
  let targets: [Tensor]
  let steps: Int
  let pool: WorkerPool

  static let batch = 4

  /// Weights by name.
  func learn() throws -> [String: QuantizedWeight] {
    let engine = try GradientEngine(
      model: model, of: Set(starts.map(\.layer.weight)), from: [exit], pool: pool)
    var soft = starts.map { start in
      let rows = start.layer.rows
      let limits = WeightRange.of(bits: start.weight.bits)
      return SoftRounding(
        weights: rows.values.elements(of: Float.self),
        scales: start.scales,
        integers: rows.rows(of: start.weight).elements(of: Int8.self),
        range: Int(limits.lowerBound)...Int(limits.upperBound), steps: steps)
    }
    let power = Self.power(targets)
    guard power > 0 else { return [:] }
    var generator = SplitMix64(seed: 1)
    for _ in 0..<steps {
      let picks = (0..<min(Self.batch, inputs.count)).map { _ in
        (sample: generator.draw(inputs.count), seed: generator.next())
      }
      let weights = zip(starts, soft).reduce(into: [String: Tensor]()) { weights, pair in
        weights[pair.0.layer.weight] = Self.tensor(of: pair.1, pair.0)
      }
      let gradients = try gradients(engine, weights: weights, picks: picks, power: power)
      for (index, start) in starts.enumerated() {
        let sum = gradients.compactMap { $0[start.layer.weight] }
        soft[index].descend(try Self.shareGradient(sum, start))
      }
    }
    return zip(starts, soft).reduce(into: [:]) { result, pair in
      let (start, soft) = pair
      let rows = start.layer.rows
      result[start.layer.weight] = QuantizedWeight(
        integers: rows.restored(Tensor(soft.integers, shape: [rows.count, rows.length])),
        scales: start.weight.scales, axis: start.weight.axis, bits: start.weight.bits,
        blocks: start.weight.blocks)
    }
  }

  private func gradients(
    _ engine: GradientEngine, weights: [String: Tensor], picks: [(sample: Int, seed: UInt64)],
    power: Float
  ) throws -> [[String: Tensor]] {
    try pool.map(picks.count) { index in
      let (sample, seed) = picks[index]
      let run = try engine.run(mixed(sample, seed: seed), replacing: weights)
      guard let output = run[exit], output.shape == targets[sample].shape else { return [:] }
      let gradient = Self.combined(output, targets[sample]) { 2 * ($0 - $1) / power }
      return try engine.gradients(of: run, seeds: [exit: gradient])
    }
  }

  private func mixed(_ sample: Int, seed: UInt64) -> [String: Tensor] {
    var generator = SplitMix64(seed: seed)
    var result = inputs[sample]
    for (name, tensor) in inputs[sample].sorted(by: { $0.key < $1.key }) {
      guard let expected = expectedInputs[sample][name], expected.shape == tensor.shape,
        tensor.elementType == .float32, expected.elementType == .float32
      else { continue }
      result[name] = Self.combined(tensor, expected) {
        generator.next() & 1 == 0 ? $0 : $1
      }
    }
    return result
  }

  /// The gradient with respect to the shares, in the order of the rows.
  private static func shareGradient(_ parts: [Tensor], _ start: Start) throws -> [Float] {
    let rows = start.layer.rows
    var sum = [Float](repeating: 0, count: rows.count * rows.length)
    for part in parts {
      let gradient = try WeightRows(part, named: rows.name, axis: rows.axis)
      gradient.values.withElements(of: Float.self) { values in
        for index in values.indices { sum[index] += values[index] }
      }
    }
    for index in sum.indices { sum[index] *= start.scales[index] }
    return sum
  }

  /// The weight at the shares of now.
  private static func tensor(of soft: SoftRounding, _ start: Start) -> Tensor {
    let rows = start.layer.rows
    let values = soft.lower.indices.map {
      (soft.lower[$0] + soft.shares[$0]) * start.scales[$0]
    }
    return rows.restored(floats: Tensor(values, shape: [rows.count, rows.length]))
  }

  private static func combined(
    _ a: Tensor, _ b: Tensor, _ term: (Float, Float) -> Float
  ) -> Tensor {
    a.withElements(of: Float.self) { a in
      b.withElements(of: Float.self) { b in
        a.indices.map { term(a[$0], b[$0]) }
      }
    }.tensor(a.shape)
  }

  /// Of a sample, about the mean over all.
  private static func power(_ tensors: [Tensor]) -> Float {
    var (count, sum, squares) = (0.0, 0.0, 0.0)
    for tensor in tensors {
      tensor.withElements(of: Float.self) { values in
        for value in values {
          sum += Double(value)
          squares += Double(value) * Double(value)
        }
        count += Double(values.count)
      }
    }
    guard count > 0 else { return 0 }
    return Float((squares - sum * sum / count) / Double(tensors.count))
  }
}

extension [Float] {
  fileprivate func tensor(_ shape: [Int]) -> Tensor { Tensor(self, shape: shape) }
}
