import Foundation
import GraphIR
import Quantization
import Tensors
import Testing

@testable import Lowering

@Suite struct EmbeddingTableTests {
  /// Tables that are looked up; `change` edits the graph.
  private func model(_ change: (inout Graph) -> Void = { _ in }) -> Model {
    var builder = GraphBuilder(inputs: [])
    builder.weight("words", [100, 32])
    builder.weight("kinds", [2, 32])
    builder.node("Gather", ["words", "ids"], to: "word")
    builder.node("Gather", ["kinds", "ids"], to: "kind")
    builder.node("Add", ["word", "kind"], to: "sum")
    var model = builder.model
    model.graph.inputs = [
      ValueInfo(name: "ids", type: .tensor(.int64, shape: [.symbolic("N"), .symbolic("S")]))
    ]
    model.graph.outputs = [ValueInfo(name: "sum", type: nil)]
    change(&model.graph)
    return model
  }

  private func quantized(bits: Int, block: Int) -> QuantizedTable {
    let blocks = 32 / block
    return QuantizedTable(
      plan: .init(weight: "words", bits: bits, block: block),
      integers: Tensor(
        (0..<3200).map { Int8($0 % 15 - 7) }, shape: [100, blocks, block]),
      scales: Tensor([Float](repeating: 0.5, count: 100 * blocks), shape: [100, blocks]))
  }

  @Test func tablesAreThoseThatOnlyLookupsRead() {
    let found = EmbeddingTables.find(in: model())
    #expect(found == [.init(weight: "words", rows: 100, width: 32, allowsBlocks: true)])
    // An output head that is tied to the table needs it in float.
    let tied = model { graph in
      graph.nodes.append(Node(name: "head", op: "Gemm", inputs: ["sum", "words"], outputs: ["y"]))
    }
    #expect(EmbeddingTables.find(in: tied).isEmpty)
    #expect(
      EmbeddingTables.find(in: model { $0.outputs.append(ValueInfo(name: "words", type: nil)) })
        .isEmpty)
    #expect(
      EmbeddingTables.find(in: model { $0.inputs.append(ValueInfo(name: "words", type: nil)) })
        .isEmpty)
    let columns = model { $0.nodes[0].attributes = [Attribute("axis", .int(1))] }
    #expect(EmbeddingTables.find(in: columns).isEmpty)
    // Indices of which not even the rank is known cannot be reshaped for.
    let open = model { $0.inputs[0] = ValueInfo(name: "ids", type: nil) }
    #expect(EmbeddingTables.find(in: open).map(\.allowsBlocks) == [false])
  }

  @Test func vectorsAreLookedUpAsIntegers() throws {
    let whole = try model().applying([.quantizeTables([quantized(bits: 8, block: 32)])])
    #expect(whole.graph.nodes.map(\.op) == ["Gather", "Cast", "Gather", "Mul", "Gather", "Add"])
    #expect(whole.graph.initializers["words"] == nil)
    #expect(whole.graph.initializers["words_quantized"]?.elementType == .int8)
    #expect(whole.graph.initializers["words_scale"]?.shape == [100, 1])
    #expect(whole.graph.nodes[3].outputs == ["word"])

    let blocked = try model().applying([.quantizeTables([quantized(bits: 4, block: 16)])])
    #expect(
      blocked.graph.nodes.map(\.op)
        == ["Cast", "Gather", "Cast", "Gather", "Mul", "Reshape", "Gather", "Add"])
    #expect(blocked.graph.initializers["words_quantized"]?.elementType == .int4)
    #expect(blocked.graph.initializers["words_quantized"]?.storage.byteCount == 1600)
    #expect(blocked.graph.initializers["words_scale"]?.shape == [100, 2, 1])
    let shape = try #require(blocked.graph.initializers["word_shape"])
    #expect(shape.elements(of: Int64.self) == [0, 0, -1])
    #expect(blocked.graph.nodes[5].outputs == ["word"])
  }

  @Test func whatDepartsFromThePlanIsFound() throws {
    let table = quantized(bits: 4, block: 16)
    let plan = QuantizationPlan(storage: .cast, layers: [], activations: [:], tables: [table.plan])
    func verify(_ change: (inout Graph) -> Void = { _ in }) throws {
      var written = try model().applying([.quantizeTables([table])])
      change(&written.graph)
      try QuantizedGraphReader(written.graph, plan: plan).check(table.plan)
    }
    try verify()
    #expect(throws: VerificationError.self) {
      try verify {
        $0.initializers["words_scale"] = Tensor(
          [Float](repeating: 0, count: 200), shape: [100, 2, 1])
      }
    }
    #expect(throws: VerificationError.self) {
      try verify {
        $0.initializers["words_quantized"] = Tensor(
          [Int8](repeating: 0, count: 3200), shape: [100, 2, 16])
      }
    }
    #expect(throws: VerificationError.self) {
      try verify { $0.initializers["words"] = Tensor([Float(0)], shape: [1]) }
    }
  }

  @Test func plansWithoutTablesStillRead() throws {
    let text = #"{"schemaVersion":1,"storage":"cast","layers":[],"activations":{}}"#
    let plan = try JSONDecoder().decode(QuantizationPlan.self, from: Data(text.utf8))
    #expect(plan.tables.isEmpty)
  }
}
