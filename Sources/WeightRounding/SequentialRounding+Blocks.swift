import FloatRuntime
import Quantization
import Tensors

/// Reconstruction of blocks.
extension SequentialRounding {
  /// Rounds the layers of a block one after another, then learns the rounding of all of them at the
  /// block's output; that is kept where samples that it has not seen say that it is better.
  mutating func reconstruct(
    _ block: BlockPartition.Block, layers: [Placed], share: Double, into result: inout Result
  ) throws {
    try student.advance(to: block.nodes.lowerBound)
    if let first = layers.first, let node = reference.layer(of: first.layer.weight) {
      try reference.advance(to: min(node, block.nodes.lowerBound))
    }
    let entry = (student: student.fork(), reference: reference.fork())
    var known = Result()
    let macs = try layers.reduce(0) { try $0 + round($1, into: &known) }
    let steps = LearningExtent.steps(settings.effort, macs: macs, share: share)
    if steps > 0, let targets = try reference.result(block.exit),
      let learned = try learn(block, layers, known, entry: entry, targets: targets, steps: steps)
    {
      let flows = (student, reference)
      (student, reference) = (entry.student.fork(), entry.reference.fork())
      var other = Result()
      for placed in layers {
        guard let weight = learned[placed.layer.weight] else { continue }
        let (_, moments, bias) = try moments(of: placed)
        put(weight, of: placed, moments: moments, bias: bias, into: &other)
      }
      let errors = try [known, other].map {
        try error(of: $0, block, from: entry.student, targets: targets)
      }
      if errors[1] < errors[0] { known = other } else { (student, reference) = flows }
    }
    result.weights.merge(known.weights) { $1 }
    result.biases.merge(known.biases) { $1 }
  }

  /// Nil where gradients do not go back through the block.
  private func learn(
    _ block: BlockPartition.Block, _ layers: [Placed], _ known: Result,
    entry: (student: NetworkFlow, reference: NetworkFlow), targets: [Tensor], steps: Int
  ) throws -> [String: QuantizedWeight]? {
    let flow = entry.student.fork()
    for (name, bias) in known.biases { flow.replace(name, by: bias) }
    let part = flow.part(block.nodes, outputs: [block.exit])
    func tensors(_ flow: NetworkFlow) -> [[String: Tensor]] {
      let feeds = flow.feeds(of: part)
      return split.training.map { sample in
        feeds[sample].compactMapValues { value in
          if case .tensor(let tensor) = value { tensor } else { nil }
        }
      }
    }
    do {
      return try BlockReconstruction(
        model: part, exit: block.exit,
        starts: layers.compactMap { placed in
          known.weights[placed.layer.weight].map { .init(layer: placed.layer, weight: $0) }
        }, inputs: tensors(flow), expectedInputs: tensors(entry.reference),
        targets: split.training.map { targets[$0] }, steps: steps, pool: pool
      ).learn()
    } catch RuntimeError.noGradient {
      return nil
    }
  }

  /// The squared error at the block's output, on samples that were held back.
  private func error(
    of result: Result, _ block: BlockPartition.Block, from entry: NetworkFlow, targets: [Tensor]
  ) throws -> Double {
    let flow = entry.fork(samples: split.held)
    flow.replace(weights: result.weights, biases: result.biases)
    try flow.advance(to: block.nodes.upperBound, keeping: block.exit)
    guard let found = flow.tensors(block.exit) else { return .infinity }
    return zip(split.held, found).reduce(0) { sum, pair in
      targets[pair.0].withElements(of: Float.self) { expected in
        pair.1.withElements(of: Float.self) { found in
          zip(expected, found).reduce(sum) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        }
      }
    }
  }
}
