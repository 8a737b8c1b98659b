public import GraphIR
public import Parallelism
import Quantization
public import Tensors

/// Scales channels between a producer and its readers so that rounding hurts less: inputs of large
/// power get larger weights (as in AWQ), and the channels of an activation more even ranges (as in
/// SmoothQuant and cross-layer equalization). Factors are powers of two: in float nothing changes,
/// not by one bit.
public struct Equalization {
  private let model: Model
  private let flow: NetworkFlow
  private let settings: RoundingSettings
  private let pool: WorkerPool

  public init(
    model: Model, samples: [[String: Tensor]], settings: RoundingSettings, pool: WorkerPool
  ) {
    self.model = model
    flow = NetworkFlow(model, samples: samples, pool: pool)
    self.settings = settings
    self.pool = pool
  }

  /// The patch that scales weights, biases and normalizations; `bits` is the width to judge at.
  /// Of `floatValues`, those that are only quantized for the layers that read them, it adds a scaled
  /// copy where that helps much.
  public func patch(
    _ layers: [RoundingLayer], floatValues: Set<String> = [], bits: Int
  ) throws -> GraphPatch {
    let pairs = PairFinder(model.graph, layers: layers).pairs(floatValues: floatValues)
      .compactMap { pair in flow.layer(of: pair.consumers[0].weight).map { (pair, $0) } }
      .sorted { $0.1 < $1.1 }
    var scaling = ChannelScaling(model.graph)
    for (pair, node) in pairs {
      let input = flow.node(node).inputs[0]
      try flow.advance(to: node)
      guard let inputs = flow.tensors(input) else { continue }
      let factors = try bestFactors(pair, inputs: inputs, bits: bits)
      guard factors.contains(where: { $0 != 1 }) else { continue }
      let inverse = factors.map { 1 / $0 }
      switch pair.producer {
      case .constants(let constants):
        for (name, axis) in constants { scaling.multiply(name, axis: axis, by: inverse) }
      case .copy(let value):
        scaling.copies.append(
          ScaledCopy(value: value, factors: inverse, weights: pair.consumers.map(\.weight)))
      }
      for layer in pair.consumers {
        scaling.multiply(layer.weight, axis: layer.rows.axis == 0 ? 1 : 0, by: factors)
      }
    }
    let (changed, copies) = (scaling.changed, scaling.copies)
    return GraphPatch("equalize channels") { model in
      for (name, tensor) in changed { model.graph.initializers[name] = tensor }
      for copy in copies { copy.insert(into: &model.graph) }
    }
  }

  private func bestFactors(
    _ pair: EqualizationPair, inputs: [Tensor], bits: Int
  ) throws -> [Float] {
    let first = pair.consumers[0]
    let taps = first.rows.length / pair.channels
    // Any output serves: only the moments of the inputs are used.
    let moment = try MomentReader(
      layer: first, arithmetic: settings.effort.momentArithmetic, pool: pool
    ).inputMoment(inputs)
    let power = (0..<pair.channels).map { channel in
      (0..<taps).reduce(Float(0)) { $0 + moment[channel * taps + $1, channel * taps + $1] }
    }
    let largest = ChannelExtent.largest(
      inputs, channels: pair.channels, isConvolution: first.observed.readsWindows)
    var best = (factors: [Float](repeating: 1, count: pair.channels), cost: Double.infinity)
    for exponent in [Float(0), 0.25, 0.5, 0.75, 1] {
      let factors = Self.factors(power, exponent: exponent)
      let judge = FactorJudge(
        factors: factors, taps: taps, moment: moment, largest: largest, damping: settings.damping,
        pool: pool)
      let cost = try pair.consumers.reduce(0) { try $0 + judge.cost($1, bits: bits) }
      if cost < best.cost * (exponent == 0 ? 1 : pair.worthwhile) { best = (factors, cost) }
    }
    return best.factors
  }

  /// Root mean squares to a power, about their geometric mean, as powers of two; channels without
  /// power keep their scale.
  static func factors(_ power: [Float], exponent: Float) -> [Float] {
    let logarithms = power.map { $0 > 0 ? 0.5 * Double($0).logarithm : nil }
    let known = logarithms.compactMap(\.self)
    let mean = known.reduce(0, +) / Double(max(known.count, 1))
    return logarithms.map { value in
      guard let value else { return 1 }
      let octaves = min(max((Double(exponent) * (value - mean)).rounded(), -16), 16)
      return Float(sign: .plus, exponent: Int(octaves), significand: 1)
    }
  }
}

extension EqualizationPair {
  /// To what part of itself the cost has to fall: nothing is changed for a hair, and a copy is one
  /// more step of the network.
  fileprivate var worthwhile: Double {
    switch producer {
    case .constants: 0.98
    case .copy: 0.8
    }
  }
}

/// Constants with channels multiplied, and values of which layers read such a copy.
private struct ChannelScaling {
  private let graph: Graph
  private(set) var changed: [String: Tensor] = [:]
  var copies: [ScaledCopy] = []

  init(_ graph: Graph) { self.graph = graph }

  mutating func multiply(_ name: String, axis: Int, by factors: [Float]) {
    guard let tensor = changed[name] ?? graph.initializers[name] else { return }
    let inner = Tensor.count(of: Array(tensor.shape[(axis + 1)...]))
    var values = tensor.elements(of: Float.self)
    for index in values.indices { values[index] *= factors[index / inner % factors.count] }
    changed[name] = Tensor(values, shape: tensor.shape)
  }
}
