import FloatRuntime
import GraphIR
import Parallelism
import ProxySearch
import Quantization
import Tensors

/// Gradients of the loss on the calibration samples, and the curvature of it.
struct NetworkGradients {
  /// Largest steps of central differences, as a share of the weights' root mean square.
  private static let step: Float = 0.01
  private static let probes = 8...16
  private static let iterations = 10
  /// Samples that eigenvalues are computed on: they take a pass for each layer.
  private static let eigenvalueSamples = 16

  private let layers: [WeightLayer]
  private let samples: [[String: Tensor]]
  private let engine: GradientEngine
  let loss: ProxyLoss
  private let weights: [String: Tensor]
  private let seed: Int
  private let pool: WorkerPool
  private let progress: (String, Int, Int) -> Void

  init(
    model: Model, layers: [WeightLayer], samples: [[String: Tensor]], seed: Int, pool: WorkerPool,
    progress: @escaping (String, Int, Int) -> Void
  ) throws {
    (self.layers, self.samples, self.seed, self.progress) = (layers, samples, seed, progress)
    self.pool = pool
    let names = Set(layers.map(\.site.weight))
    func engine(from sources: [String]) throws -> GradientEngine {
      try GradientEngine(
        model: model, of: names.union(layers.map(\.site.node)), from: Set(sources), pool: pool)
    }
    // What the loss starts from takes a run to know, which the engine for the likely answer does.
    let likely = ProxyLoss.likelySources(of: model)
    let guess = try engine(from: likely)
    let run = try guess.run(samples.first ?? [:])
    let outputs = model.graph.outputs.reduce(into: [:]) { $0[$1.name] = run[$1.name] }
    loss = ProxyLoss(model, outputs: outputs, seed: seed)
    self.engine = loss.sources == likely ? guess : try engine(from: loss.sources)
    weights = model.graph.initializers.reduce(into: [:]) {
      if names.contains($1.key) { $0[$1.key] = $1.value }
    }
  }

  // MARK: First order

  func facts() throws -> [GradientFacts] {
    var sums = layers.map { layer in
      GradientFacts(
        mean: [Float](repeating: 0, count: layer.rows.count * layer.rows.length),
        meanSquare: [Float](repeating: 0, count: layer.rows.count * layer.rows.length),
        outputMeanSquare: [Double](repeating: 0, count: layer.rows.count),
        channelFisher: [Double](repeating: 0, count: layer.rows.count))
    }
    let share = 1 / Float(max(samples.count, 1))
    let places = Places(layers)
    for (index, sample) in samples.enumerated() {
      let run = try engine.run(sample)
      try engine.forEachGradient(of: run, seeds: loss.sampledSeeds(run, sample: index)) {
        name, gradient in
        for position in places.byWeight[name] ?? [] {
          let rows = WeightRows.values(gradient, axis: layers[position].site.axis)
          sums[position].add(weights: rows, share: share, pool: pool)
        }
        for position in places.byNode[name] ?? [] {
          guard let value = run[name] else { continue }
          sums[position].add(
            outputs: gradient, value, share: Double(share),
            isConvolution: layers[position].site.op == "Conv", pool: pool)
        }
      }
      progress("going back", index + 1, samples.count)
    }
    return sums
  }

  /// Layers by what gradients are named after.
  private struct Places {
    var byWeight: [String: [Int]] = [:]
    var byNode: [String: [Int]] = [:]

    init(_ layers: [WeightLayer]) {
      for (index, layer) in layers.enumerated() {
        byWeight[layer.site.weight, default: []].append(index)
        byNode[layer.site.node, default: []].append(index)
      }
    }
  }

  // MARK: Second order

  /// Hutchinson's estimate for all blocks at once: with independent signs `v`, the expectation of
  /// `v_l (H v)_l` is the trace of block `l`.
  func traces() throws -> [Double] {
    var draw = SplitMix64(seed: UInt64(bitPattern: Int64(seed)) &+ 0x7261_6365)
    let targets = Set(layers.map(\.site.weight))
    let base = try predictions(samples)
    var sums = [Double](repeating: 0, count: layers.count)
    for probe in 1...Self.probes.upperBound {
      let directions = layers.map { layer in
        (0..<layer.rows.count * layer.rows.length).map { _ in draw.sign() }
      }
      let moves = layers.map { Self.step * Self.size(weights[$0.site.weight]) }
      let change = try differences(
        moves: zip(moves, directions).map { move, signs in signs.map { move * $0 } },
        of: layers, samples, base: base, targets: targets)
      var largest = 0.0
      for index in layers.indices {
        let before = sums[index] / Double(max(probe - 1, 1))
        sums[index] += Self.product(directions[index], change[index]) / Double(moves[index])
        let now = sums[index] / Double(probe)
        if now != 0 { largest = max(largest, abs(now - before) / abs(now)) }
      }
      progress("probing the curvature", probe, Self.probes.upperBound)
      if probe >= Self.probes.lowerBound, largest < 0.02 {
        return sums.map { $0 / Double(probe) }
      }
    }
    return sums.map { $0 / Double(Self.probes.upperBound) }
  }

  /// Power iteration on each block.
  func eigenvalues() throws -> [Double] {
    let chosen = Array(samples.prefix(Self.eigenvalueSamples))
    let base = try predictions(chosen)
    return try layers.enumerated().map { index, layer in
      var draw = SplitMix64(seed: UInt64(bitPattern: Int64(seed)) &+ UInt64(index))
      var direction = (0..<layer.rows.count * layer.rows.length).map { _ in draw.sign() }
      let length =
        Self.step * Self.size(weights[layer.site.weight])
        * Float(direction.count).squareRoot()
      var value = 0.0
      for _ in 0..<Self.iterations {
        let norm = Self.product(direction, direction).squareRoot()
        guard norm > 0 else { break }
        direction = direction.map { $0 / Float(norm) }
        let change = try differences(
          moves: [direction.map { length * $0 }], of: [layer], chosen, base: base,
          targets: [layer.site.weight])[0]
        let before = value
        value = Self.product(direction, change) / Double(length)
        direction = change
        if abs(value - before) <= 0.01 * abs(value) { break }
      }
      progress("iterating", index + 1, layers.count)
      return value
    }
  }

  private func predictions(
    _ samples: [[String: Tensor]]
  ) throws -> [[String: [[Double]]]] {
    try samples.map { loss.predictions(try engine.run($0)) }
  }

  /// Half the difference of the mean gradients at weights moved forward and back, in the order of the
  /// weights' elements.
  private func differences(
    moves: [[Float]], of layers: [WeightLayer], _ samples: [[String: Tensor]],
    base: [[String: [[Double]]]], targets: Set<String>
  ) throws -> [[Float]] {
    var result = moves.map { [Float](repeating: 0, count: $0.count) }
    for sign in [Float(1), -1] {
      var replacing: [String: Tensor] = [:]
      for (layer, move) in zip(layers, moves) {
        guard let weight = weights[layer.site.weight] else { continue }
        let values = weight.withElements(of: Float.self) { values in
          zip(values, move).map { $0 + sign * $1 }
        }
        replacing[layer.site.weight] = Tensor(values, shape: weight.shape)
      }
      let share = sign * 0.5 / Float(max(samples.count, 1))
      for (sample, expected) in zip(samples, base) {
        let run = try engine.run(sample, replacing: replacing)
        let gradients = try engine.gradients(
          of: run, seeds: loss.seeds(run, from: expected), targets: targets)
        for (index, layer) in layers.enumerated() {
          gradients[layer.site.weight]?.withElements(of: Float.self) { values in
            result[index].withUnsafeMutableBufferPointer { sums in
              for entry in values.indices { sums[entry] += share * values[entry] }
            }
          }
        }
      }
    }
    return result
  }

  /// Root mean square; 1 for a weight of zeros.
  private static func size(_ weight: Tensor?) -> Float {
    guard let weight, weight.count > 0 else { return 1 }
    let sum = weight.withElements(of: Float.self) {
      $0.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    return sum > 0 ? Float((sum / Double(weight.count)).squareRoot()) : 1
  }

  private static func product(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
