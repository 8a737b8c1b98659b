import GraphIR
import Tensors
import Testing

@testable import Pipeline

@Suite struct WordVariationTests {
  private static let words = 5000

  /// Looks `ids` up, through a `Cast` in its way, and `positions` in a table of its own.
  private func model(rows: Int = Self.words) -> Model {
    var graph = Graph(
      inputs: ["ids", "positions"].map {
        ValueInfo(name: $0, type: .tensor(.int64, shape: [.fixed(1), .fixed(8)]))
      }, outputs: [ValueInfo(name: "y", type: nil)])
    graph.initializers["table"] = Tensor([Float](repeating: 1, count: rows * 2), shape: [rows, 2])
    graph.initializers["places"] = Tensor([Float](repeating: 1, count: 1024), shape: [512, 2])
    graph.nodes = [
      Node(
        op: "Cast", inputs: ["ids"], outputs: ["narrow"],
        attributes: [Attribute("to", .int(Int(ElementType.int32.rawValue)))]),
      Node(op: "Gather", inputs: ["table", "narrow"], outputs: ["vectors"]),
      Node(op: "Gather", inputs: ["places", "positions"], outputs: ["offsets"]),
      Node(op: "Add", inputs: ["vectors", "offsets"], outputs: ["y"]),
    ]
    return Model(operatorSets: [OperatorSet(version: 17)], graph: graph)
  }

  /// Begins with 101, ends with 102, the rest is 0: four words each.
  private let samples: [[String: Tensor]] = (0..<4).map { sample in
    let words = (0..<4).map { Int64(1000 + 10 * sample + $0) }
    return [
      "ids": Tensor([101] + words + [102, 0, 0], shape: [1, 8]),
      "positions": Tensor((0..<8).map(Int64.init), shape: [1, 8]),
    ]
  }

  private func replaced(number: Int) throws -> [Int] {
    let variation = WordVariation(model(), samples: samples)
    #expect(variation.inputs == ["ids"])
    var generator = SplitMix64(seed: 9)
    return try samples.map { sample in
      let variant = variation.variant(of: sample, number: number, generator: &generator)
      #expect(variant["positions"] == sample["positions"])
      let before = try #require(sample["ids"]?.integers())
      let after = try #require(variant["ids"]?.integers())
      #expect(variant["ids"]?.elementType == .int64 && variant["ids"]?.shape == [1, 8])
      #expect(after[0] == 101 && Array(after[5...]) == [102, 0, 0])
      #expect(after.allSatisfy { (0..<Self.words).contains($0) })
      return zip(before, after).filter { $0 != $1 }.count
    }
  }

  @Test func evenVariantsHaveOtherWords() throws {
    #expect(try replaced(number: 2) == [4, 4, 4, 4])
  }

  @Test func oddVariantsKeepHalfOfTheWords() throws {
    let count = try replaced(number: 1).reduce(0, +)
    #expect((3...13).contains(count))
  }

  @Test func oneTextHasNoVariants() {
    #expect(WordVariation(model(), samples: [samples[0]]).inputs.isEmpty)
  }

  @Test func tablesOfPositionsHoldNoWords() {
    let variation = WordVariation(model(rows: 512), samples: samples)
    #expect(variation.inputs.isEmpty)
    var generator = SplitMix64(seed: 9)
    let variant = variation.variant(of: samples[0], number: 2, generator: &generator)
    #expect(variant == samples[0])
  }
}
