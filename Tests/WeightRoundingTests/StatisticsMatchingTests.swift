import FloatRuntime
import GraphIR
import Parallelism
import Tensors
import TestSupport
import Testing

@testable import WeightRounding

@Suite struct StatisticsMatchingTests {
  /// Two convolutions with a BatchNormalization behind each, whose training data had other means and
  /// variances than the samples.
  private static func network() -> Model {
    var graph = Graph(
      inputs: [
        ValueInfo(name: "x", type: .tensor(.float32, shape: [1, 2, 8, 8].map { .fixed($0) })),
        ValueInfo(name: "shift", type: .tensor(.float32, shape: [.fixed(1)])),
      ],
      outputs: [ValueInfo(name: "y", type: nil)],
      nodes: [
        Node(name: "a", op: "Conv", inputs: ["x", "wa"], outputs: ["ca"]),
        Node(
          name: "na", op: "BatchNormalization", inputs: ["ca", "ga", "ba", "ma", "va"],
          outputs: ["a"]),
        Node(op: "Relu", inputs: ["a"], outputs: ["r"]),
        Node(name: "b", op: "Conv", inputs: ["r", "wb"], outputs: ["cb"]),
        Node(
          name: "nb", op: "BatchNormalization", inputs: ["cb", "gb", "bb", "mb", "vb"],
          outputs: ["b"]),
        Node(op: "Add", inputs: ["b", "shift"], outputs: ["y"]),
      ])
    func values(_ list: [Float]) -> Tensor { Tensor(list, shape: [list.count]) }
    graph.initializers = [
      "wa": Tensor(normalValues(3 * 2 * 9, seed: 1), shape: [3, 2, 3, 3]),
      "ga": values([2, -0.5, 0]), "ba": values([1, 0, -1]), "ma": values([0.5, -1, 0]),
      "va": values([4, 9, 1]),
      "wb": Tensor(normalValues(2 * 3 * 9, seed: 2), shape: [2, 3, 3, 3]),
      "gb": values([1, 3]), "bb": values([0, 2]), "mb": values([3, -3]), "vb": values([16, 25]),
    ]
    return Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
  }

  private static let samples = (0..<4).map { index in
    [
      "x": Tensor(normalValues(128, seed: UInt64(10 + index)), shape: [1, 2, 8, 8]),
      "shift": Tensor([Float(index)], shape: [1]),
    ]
  }

  private static func matched(_ model: Model, threads: Int) throws -> [[String: Tensor]] {
    try #require(
      try StatisticsMatching(
        model: model, statistics: TrainedStatistics(model), inputs: ["x"],
        pool: WorkerPool(threadCount: threads))
    ).matched(samples)
  }

  /// Sum over the nodes of the mean squared distance of means and deviations, in units of gamma.
  private static func distance(_ samples: [[String: Tensor]], _ model: Model) throws -> Double {
    let pool = WorkerPool(threadCount: 1)
    let statistics = try TrainedStatistics(model).values
    let engine = try GradientEngine(
      model: model, of: ["x"], from: Set(statistics.keys), pool: pool)
    let runs = try samples.map { try engine.run($0) }
    return try statistics.reduce(0) { total, entry in
      var sums = ChannelSums(channels: entry.value.means.count)
      for run in runs { sums.add(try #require(run[entry.key]), pool: pool) }
      return total
        + entry.value.means.indices.reduce(0) { sum, channel in
          let unit = Double(entry.value.units[channel])
          guard unit > 0 else { return sum }
          let mean = (sums.mean(channel) - Double(entry.value.means[channel])) / unit
          let deviation =
            (sums.deviation(channel) - Double(entry.value.deviations[channel])) / unit
          return sum + mean * mean + deviation * deviation
        }
    }
  }

  @Test func nodesSayWhatTheirDataWasLike() throws {
    let statistics = try TrainedStatistics(Self.network()).values
    let first = try #require(statistics["a"])
    #expect(first.means == [1, 0, -1] && first.units == [2, 0.5, 0])
    for (found, expected) in zip(first.deviations, [2, 0.5, 0] as [Float]) {
      #expect(abs(found - expected) < 1e-4)
    }
    #expect(Set(statistics.keys) == ["a", "b"])
    let folded = try Self.network().applying([.foldBatchNormalization])
    #expect(try TrainedStatistics(folded).values.isEmpty)
  }

  @Test func samplesComeCloserToTheTrainingData() throws {
    let model = Self.network()
    let moved = try Self.matched(model, threads: 2)
    let (before, after) = try (
      Self.distance(Self.samples, model), Self.distance(moved, model)
    )
    #expect(after < 0.9 * before, "\(before) -> \(after)")
    let values = Self.samples.flatMap { $0["x"]?.elements(of: Float.self) ?? [] }
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    for (sample, original) in zip(moved, Self.samples) {
      let x = try #require(sample["x"])
      #expect(x.shape == [1, 2, 8, 8])
      #expect(x.elements(of: Float.self).allSatisfy { (low...high).contains($0) })
      #expect(
        sample["shift"]?.elements(of: Float.self) == original["shift"]?.elements(of: Float.self))
    }
  }

  /// The nodes may be folded away: their outputs' names stay.
  @Test func resultsDependOnNeitherThreadsNorFolding() throws {
    let model = Self.network()
    func elements(_ samples: [[String: Tensor]]) -> [Float] {
      samples.flatMap { $0["x"]?.elements(of: Float.self) ?? [] }
    }
    let expected = elements(try Self.matched(model, threads: 1))
    #expect(elements(try Self.matched(model, threads: 3)) == expected)
    let folded = try model.applying([.foldBatchNormalization])
    let found = try #require(
      try StatisticsMatching(
        model: folded, statistics: TrainedStatistics(model), inputs: ["x"],
        pool: WorkerPool(threadCount: 2))
    ).matched(Self.samples)
    for (a, b) in zip(elements(found), expected) { #expect(abs(a - b) < 0.02) }
  }

  @Test func withoutStatisticsFloatsOrGradientsNothingMoves() throws {
    let pool = WorkerPool(threadCount: 1)
    let model = Self.network()
    let statistics = try TrainedStatistics(model)
    func matching(_ change: (inout Graph) -> Void) -> StatisticsMatching? {
      var changed = model
      change(&changed.graph)
      return StatisticsMatching(model: changed, statistics: statistics, inputs: ["x"], pool: pool)
    }
    #expect(matching { _ in } != nil)
    #expect(
      matching { $0.inputs[0].type = .tensor(.uint8, shape: [1, 2, 8, 8].map { .fixed($0) }) }
        == nil)
    #expect(
      matching {
        $0.nodes[1].outputs = ["other"]; $0.nodes[4].outputs = ["another"]
      } == nil)
    #expect(matching { $0.nodes[2].op = "Mish" } == nil)
  }
}
