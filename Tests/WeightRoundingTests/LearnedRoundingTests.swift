import Calibration
import FloatRuntime
import GraphIR
import Parallelism
import Quantization
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

@Suite struct LearnedRoundingTests {
  let pool = WorkerPool(threadCount: 2)

  @Test func sharesBeginAtTheKnownIntegersAndEndAtIntegers() {
    let weights: [Float] = [0.26, -0.7, 1.9, -3.9, 0.5]
    var soft = SoftRounding(
      weights: weights, scales: [0.5, 0.5, 0.5, 0.5, 0.5], integers: [1, -1, 3, -4, 1],
      range: -4...3, steps: 200)
    #expect(soft.integers == [1, -1, 3, -4, 1])
    // The loss pulls the first share down, the second up and leaves the others alone.
    for _ in 0..<200 { soft.descend([1, -1, 0, 0, 0]) }
    #expect(soft.integers == [0, -1, 3, -4, 1])
    #expect(soft.shares.allSatisfy { $0 < 0.05 || $0 > 0.95 })
    #expect(
      zip(soft.lower, soft.shares).allSatisfy { (-4...2).contains($0) && (0...1).contains($1) })
  }

  @Test(arguments: [2, 3, 4])
  func adaRoundIsNeverWorseThanWhatItStartsFrom(bits: Int) throws {
    var generator = SeededGenerator(seed: 9)
    let (rows, length) = (24, 40)
    let mixing = Matrix(
      (0..<length * length).map { _ in Float.random(in: -1...1, using: &generator) },
      rows: length, columns: length)
    let moment = Matrix(rows: length, columns: length)
    Products.multiply(
      mixing.values, length, mixing.values, length, transposedB: true, into: moment.values, length,
      m: length, n: length, k: length)
    let objective = GroupObjective(moment: moment, damping: 0.01, pool: pool)
    let target = Matrix(
      (0..<rows * length).map { _ in Float.random(in: -1...1, using: &generator) }, rows: rows,
      columns: length)
    let scale = 1 / Float(1 << (bits - 1))
    let solver = RowSolver(objective: objective, bits: bits, scaleFactors: [1], rounds: 0)
    let floors = [Float](repeating: 1e-9, count: rows)
    let start = solver.solve(
      target, scales: [Float](repeating: scale, count: rows), floors: floors, pool: pool)
    let learned = LearnedRows(objective: objective, bits: bits, steps: 150)
      .refined(start, target: target, pool: pool)
    #expect(zip(learned.costs, start.costs).allSatisfy(<=))
    #expect(learned.costs.reduce(0, +) < 0.95 * start.costs.reduce(0, +))
    let range = WeightRange.of(bits: bits)
    #expect(learned.integers.allSatisfy { (range.lowerBound...range.upperBound).contains(Int($0)) })
    // The costs are those of the integers.
    for row in 0..<rows {
      let errors = (0..<length).map {
        Double(target[row, $0]) - Double(learned.integers[row * length + $0]) * Double(scale)
      }
      var cost = 0.0
      for i in 0..<length {
        for j in 0..<length { cost += errors[i] * errors[j] * Double(objective.hessian[i, j]) }
      }
      #expect(abs(cost - Double(learned.costs[row])) < 1e-3 * max(cost, 1))
    }
    let again = LearnedRows(objective: objective, bits: bits, steps: 150)
      .refined(start, target: target, pool: WorkerPool(threadCount: 1))
    #expect(again.integers == learned.integers)
  }

  @Test func blocksEndWhereOneValueHoldsEverything() throws {
    let graph = try SmallNetwork().model.graph
    func position(_ name: String) -> Int { graph.nodes.firstIndex { $0.name == name } ?? -1 }
    let blocks = BlockPartition(graph, layers: Set(["a", "b", "c", "d"].map(position))).blocks
    #expect(
      blocks.map(\.layers) == [[position("a")], [position("b"), position("c")], [position("d")]])
    #expect(blocks.map(\.exit) == ["a_relu", "sum", "y"])
    #expect(blocks.map(\.nodes) == [0..<2, 2..<6, 6..<9])
  }

  @Test func aDepthwiseLayerJoinsTheNext() {
    func conv(_ name: String, _ input: String, group: Int) -> Node {
      Node(
        name: name, op: "Conv", inputs: [input, name + "_w"], outputs: [name],
        attributes: [Attribute("group", .int(group))])
    }
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: nil)], outputs: [ValueInfo(name: "last", type: nil)])
    graph.nodes = [
      conv("first", "x", group: 1), conv("depthwise", "first", group: 8),
      conv("pointwise", "depthwise", group: 1), conv("last", "pointwise", group: 1),
    ]
    let blocks = BlockPartition(graph, layers: [0, 1, 2, 3]).blocks
    #expect(blocks.map(\.layers) == [[0], [1, 2], [3]])
  }

  /// The second block of the network, from nearest rounding.
  private func reconstruction(
    _ network: SmallNetwork, steps: Int
  ) throws -> (task: BlockReconstruction, flow: NetworkFlow) {
    let flow = NetworkFlow(network.model, samples: network.samples, pool: pool)
    try flow.advance(to: 2)
    let entry = flow.fork()
    let targets = try #require(try flow.result("sum"))
    let part = entry.part(2..<6, outputs: ["sum"])
    let inputs = entry.feeds(of: part).map { feed in
      feed.compactMapValues { if case .tensor(let tensor) = $0 { tensor } else { nil } }
    }
    let starts = network.layers[1...2].map { layer in
      BlockReconstruction.Start(
        layer: layer, weight: WeightQuantizer(bits: 3).quantize(layer.rows, pool: pool))
    }
    return (
      BlockReconstruction(
        model: part, exit: "sum", starts: Array(starts), inputs: inputs, expectedInputs: inputs,
        targets: targets, steps: steps, pool: pool), entry
    )
  }

  @Test func blocksComeCloserToTheFloatNetwork() throws {
    let (task, entry) = try reconstruction(try SmallNetwork(), steps: 200)
    func error(_ weights: [String: QuantizedWeight]) throws -> Float {
      let flow = entry.fork()
      for (name, weight) in weights { flow.replace(name, by: weight.dequantized()) }
      let found = try #require(try flow.result("sum"))
      return zip(found, task.targets).reduce(0) { sum, pair in
        zip(pair.0.elements(of: Float.self), pair.1.elements(of: Float.self))
          .reduce(sum) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    let nearest = Dictionary(uniqueKeysWithValues: task.starts.map { ($0.layer.weight, $0.weight) })
    let learned = try task.learn()
    #expect(Set(learned.keys) == ["b_w", "c_w"])
    #expect(try error(learned) < 0.8 * error(nearest))
    for weight in learned.values {
      #expect(weight.integers.elements(of: Int8.self).allSatisfy { (-4...3).contains($0) })
    }
    #expect(try task.learn() == learned)
  }

  @Test(arguments: [RoundingMethod.adaround, .block])
  func wholeNetworksKeepWhatIsBetter(method: RoundingMethod) throws {
    let network = try SmallNetwork()
    let widths = Dictionary(uniqueKeysWithValues: network.layers.map { ($0.weight, 3) })
    func distance(_ method: RoundingMethod) throws -> Float {
      var rounding = try SequentialRounding(
        reference: network.model, student: network.model, samples: network.samples,
        settings: RoundingSettings(effort: .balanced, method: method), pool: pool)
      var heard: [Int] = []
      let result = try rounding.run(network.layers, bits: widths) { done, _ in heard.append(done) }
      #expect(Set(result.weights.keys) == Set(widths.keys))
      #expect(heard.last == 4 && heard == heard.sorted())
      var rounded = network.model
      for (name, weight) in result.weights {
        rounded.graph.initializers[name] = weight.dequantized()
      }
      for (name, bias) in result.biases { rounded.graph.initializers[name] = bias }
      return zip(try network.outputs(rounded), try network.outputs(network.model)).reduce(0) {
        zip($1.0, $1.1).reduce($0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    #expect(try distance(method) < 1.3 * distance(.gptq))
  }

  @Test func learningStaysWithinTheWorkOfAnEffort() throws {
    #expect(LearningExtent.steps(.balanced, macs: 1_000_000, share: 0.1) == 300)
    #expect(LearningExtent.steps(.balanced, macs: 1 << 40, share: 1) == 0)
    #expect(
      LearningExtent.steps(.best, macs: 1 << 30, share: 1)
        > LearningExtent.steps(.balanced, macs: 1 << 30, share: 1))
    let split = BlockSplit(samples: 32, originals: 16)
    #expect(split.held == [3, 7, 11, 15, 19, 23, 27, 31])
    #expect(split.training.count == 24)
    #expect(BlockSplit(samples: 6, originals: 3).training == Array(0..<6))
  }
}
