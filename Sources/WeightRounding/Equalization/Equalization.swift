import Foundation
public import GraphIR
public import Parallelism
import Quantization
public import Tensors

/// Scales channels between a producer and its readers so that rounding hurts less: inputs of large
/// power get larger weights (as in AWQ), and the channels of an activation more even ranges (as in
/// SmoothQuant and cross-layer equalization). Factors are powers of two: in float nothing changes,
/// not by one bit.
///
/// Channels far from zero are moved there first, where the biases of their readers can take what is
/// missing on (bias absorption, arXiv 1906.04721; channel shifting, arXiv 2304.09145).
public struct Equalization {
  private let model: Model
  private let flow: NetworkFlow
  private let effort: RoundingEffort
  private let pool: WorkerPool

  public init(
    model: Model, samples: [[String: Tensor]], effort: RoundingEffort, pool: WorkerPool
  ) {
    self.model = model
    flow = NetworkFlow(model, samples: samples, pool: pool)
    self.effort = effort
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
    var changes = ChannelChanges(model.graph)
    for (pair, node) in pairs {
      let input = flow.node(node).inputs[0]
      try flow.advance(to: node)
      guard var inputs = flow.tensors(input) else { continue }
      var ranges = ChannelRanges(inputs, of: pair)
      if let offset = pair.offset, let moved = ranges.moved(offset),
        moved.ranges.leastCost < ranges.leastCost * pair.worthwhile
      {
        changes.add(moved.shifts.map { -$0 }, to: offset.bias)
        for layer in pair.consumers {
          if let bias = layer.bias { changes.add(layer.biasChange(moved.shifts), to: bias) }
        }
        inputs = inputs.map { pair.shifted($0, by: moved.shifts) }
        ranges = moved.ranges
      }
      let factors = try bestFactors(pair, inputs: inputs, ranges: ranges, bits: bits)
      guard factors.contains(where: { $0 != 1 }) else { continue }
      let inverse = factors.map { 1 / $0 }
      switch pair.producer {
      case .constants(let constants):
        for (name, axis) in constants { changes.multiply(name, axis: axis, by: inverse) }
      case .copy(let value):
        changes.copies.append(
          ScaledCopy(value: value, factors: inverse, weights: pair.consumers.map(\.weight)))
      }
      for layer in pair.consumers {
        changes.multiply(layer.weight, axis: layer.inputAxis, by: layer.ofInputs(factors))
      }
    }
    let (changed, copies) = (changes.changed, changes.copies)
    return GraphPatch("equalize channels") { model in
      for (name, tensor) in changed { model.graph.initializers[name] = tensor }
      for copy in copies { copy.insert(into: &model.graph) }
    }
  }

  private func bestFactors(
    _ pair: EqualizationPair, inputs: [Tensor], ranges: ChannelRanges, bits: Int
  ) throws -> [Float] {
    let mixing = pair.consumers.filter { !$0.isDepthwise }
    var judges: [[Int]: FactorJudge] = [:]
    for layer in mixing where judges[layer.window] == nil {
      let moments = try MomentReader(
        layer: layer, arithmetic: effort.momentArithmetic, corrects: false, pool: pool
      ).moments(inputs: inputs, outputs: nil)
      judges[layer.window] = FactorJudge(
        moment: moments.inputMoment(group: 0, centered: false, pool: pool),
        channels: pair.channels, damping: Damping.mostRounding, pool: pool)
    }
    func cost(_ factors: [Float]) throws -> Double {
      try mixing.reduce(ranges.cost(factors)) { sum, layer in
        try sum + (judges[layer.window]?.cost(layer, factors: factors, bits: bits) ?? 0)
      }
    }
    var candidates = [ranges.evening]
    if !pair.isLimited, let powers = mixing.first.flatMap({ judges[$0.window]?.powers }) {
      candidates += [0.25, 0.5, 0.75, 1].map { Self.factors(powers, exponent: $0) }
    }
    var best = (factors: ranges.unscaled, cost: try cost(ranges.unscaled))
    for factors in candidates where factors != ranges.unscaled {
      let cost = try cost(factors)
      if cost < best.cost * pair.worthwhile { best = (factors, cost) }
    }
    return best.factors
  }

  /// Root mean squares to a power, about their geometric mean, as powers of two; channels without
  /// power keep their scale.
  static func factors(_ power: [Float], exponent: Float) -> [Float] {
    let logarithms = power.map { $0 > 0 ? 0.5 * log2(Double($0)) : nil }
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

/// Constants with channels multiplied or moved, and values of which layers read a scaled copy.
private struct ChannelChanges {
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

  /// `terms`: as many as the constant has elements.
  mutating func add(_ terms: [Float], to name: String) {
    guard let tensor = changed[name] ?? graph.initializers[name], tensor.count == terms.count
    else { return }
    changed[name] = Tensor(
      zip(tensor.elements(of: Float.self), terms).map { $0 + $1 }, shape: tensor.shape)
  }
}
