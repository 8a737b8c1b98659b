import Calibration
import FloatRuntime
import GraphIR
import Parallelism
import Quantization
import Tensors

/// Traces of the Hessians of local losses, `||F(W + d) - F(W)||^2`: APTQ's sensitivity.
///
/// `F` is the output of the attention block for layers whose outputs go through a softmax or meet each
/// other in a product, by Hutchinson's estimate of the Gauss-Newton matrix, `2 E||J' v||^2`; for all
/// others the layer's own output, where it is `2 E||x||^2` for each output channel.
struct LocalCurvature {
  let model: Model
  let layers: [WeightLayer]
  let inputs: [String: LayerInputSample]
  let samples: [[String: Tensor]]
  let seed: Int
  let pool: WorkerPool

  /// By layer position.
  func traces() throws -> [Double] {
    let targets = attentionOutputs()
    var traces = layers.map { layer in
      guard let sample = inputs[layer.name] else { return 0.0 }
      let perRow = sample.meanSquares.map { $0.reduce(0) { $0 + Double($1) } }
      let mean = perRow.reduce(0, +) / Double(max(perRow.count, 1))
      return 2 * mean * Double(layer.rows.count) * sample.positionsPerSample
    }
    guard !targets.isEmpty else { return traces }
    let weights = Set(targets.keys.map { layers[$0].site.weight })
    let engine = try GradientEngine(
      model: model, of: weights, from: Set(targets.values), pool: pool)
    for index in targets.keys { traces[index] = 0 }
    for (number, sample) in samples.enumerated() {
      let run = try engine.run(sample)
      for (target, members) in Dictionary(grouping: targets.keys, by: { targets[$0] ?? "" })
        .sorted(by: { $0.key < $1.key })
      {
        guard let value = run[target] else { continue }
        var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed + number)))
        let probe = Tensor(
          (0..<value.count).map { _ in Float(generator.normal()) }, shape: value.shape)
        let gradients = try engine.gradients(
          of: run, seeds: [target: probe], targets: Set(members.map { layers[$0].site.weight }))
        for index in members {
          let square = gradients[layers[index].site.weight]?.elements(of: Float.self)
            .reduce(0.0) { $0 + Double($1) * Double($1) }
          traces[index] += 2 * (square ?? 0) / Double(samples.count)
        }
      }
    }
    return traces
  }

  /// For layers whose outputs reach a softmax or a product of two values before any other layer, the
  /// output of the layer behind that.
  private func attentionOutputs() -> [Int: String] {
    let nodes = Dictionary(
      layers.enumerated().map { ($1.site.node, $0) }, uniquingKeysWith: { first, _ in first })
    var readers: [String: [Node]] = [:]
    for node in model.graph.nodes {
      for name in node.inputs where !name.isEmpty { readers[name, default: []].append(node) }
    }
    let constants = Set(model.graph.initializers.keys)
    var result: [Int: String] = [:]
    for (index, layer) in layers.enumerated() {
      var seen: Set<String> = [layer.site.node]
      var queue = [(value: layer.site.node, mixes: false)]
      var next = 0
      while next < queue.count, result[index] == nil {
        let (value, mixes) = queue[next]
        next += 1
        for reader in readers[value] ?? [] {
          let output = reader.identity
          if nodes[output] != nil {
            if mixes { result[index] = output }
            continue
          }
          // Sums hand on what is no longer this layer's alone.
          let isSum = reader.op == "Add" && !reader.inputs.contains(where: constants.contains)
          guard seen.insert(output).inserted, !isSum || mixes else { continue }
          let isProduct =
            reader.op == "MatMul" && !reader.inputs.contains(where: constants.contains)
          queue.append((output, mixes || reader.op == "Softmax" || isProduct))
        }
      }
    }
    return result
  }
}
