import GraphIR
import Tensors
import Testing

@testable import FloatRuntime

@Suite struct PackedLookupTests {
  /// `Cast(Gather(table, ids))` and `Gather(Cast(table), ids)` of INT4 rows of `width`.
  private func run(width: Int, castsFirst: Bool) throws -> (Tensor, FloatEngine) {
    let bytes = (5 * width + 1) / 2
    let storage = TensorStorage(byteCount: bytes)
    for index in 0..<bytes { storage.mutableBytes[index] = UInt8((index * 37 + 11) % 256) }
    if width % 2 == 1 { storage.mutableBytes[bytes - 1] &= 0x0F }
    var graph = Graph(
      inputs: [ValueInfo(name: "ids", type: .tensor(.int64, shape: [.fixed(3)]))],
      outputs: [ValueInfo(name: "y", type: nil)])
    graph.initializers["table"] = Tensor(elementType: .int4, shape: [5, width], storage: storage)
    let cast = [Attribute("to", .int(Int(ElementType.int8.rawValue)))]
    graph.nodes =
      castsFirst
      ? [
        Node(op: "Cast", inputs: ["table"], outputs: ["c"], attributes: cast),
        Node(op: "Gather", inputs: ["c", "ids"], outputs: ["y"]),
      ]
      : [
        Node(op: "Gather", inputs: ["table", "ids"], outputs: ["g"]),
        Node(op: "Cast", inputs: ["g"], outputs: ["y"], attributes: cast),
      ]
    let engine = try FloatEngine(
      model: Model(operatorSets: [OperatorSet(version: 21)], graph: graph))
    let ids = Tensor([Int64(4), 0, 2], shape: [3])
    guard case .tensor(let tensor)? = try engine.run(["ids": .tensor(ids)])["y"] else {
      Issue.record("no tensor")
      return (ids, engine)
    }
    return (tensor, engine)
  }

  @Test(arguments: [4, 6, 5, 1])
  func rowsComeOutAsTheyWouldFromTheCastTable(width: Int) throws {
    let (first, _) = try run(width: width, castsFirst: true)
    let (second, _) = try run(width: width, castsFirst: false)
    #expect(first.shape == [3, width] && first.elementType == .int8)
    #expect(first.elements(of: Int8.self) == second.elements(of: Int8.self))
    let expected = [4, 0, 2].flatMap { row in
      (0..<width).map { column -> Int8 in
        let index = row * width + column
        let byte = UInt8((index / 2 * 37 + 11) % 256)
        let code = index % 2 == 0 ? byte & 15 : byte >> 4
        return Int8(code) - (code > 7 ? 16 : 0)
      }
    }
    #expect(first.elements(of: Int8.self) == expected)
  }

  @Test func whatIsNotLookedUpIsNotCast() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "ids", type: .tensor(.int64, shape: [.fixed(3)]))],
      outputs: [ValueInfo(name: "y", type: nil)])
    graph.initializers["table"] = Tensor([Int8](repeating: 1, count: 12), shape: [4, 3])
    graph.nodes = [
      Node(
        op: "Cast", inputs: ["table"], outputs: ["c"],
        attributes: [Attribute("to", .int(Int(ElementType.float32.rawValue)))]),
      Node(op: "Gather", inputs: ["c", "ids"], outputs: ["y"]),
    ]
    let model = Model(operatorSets: [OperatorSet(version: 21)], graph: graph)
    let rewritten = try model.applying([.lookUpBeforeCasting])
    #expect(rewritten.graph.nodes.map(\.op) == ["Gather", "Cast"])
    #expect(rewritten.graph.nodes.last?.outputs == ["y"])
    // A cast that something else reads too stays for it.
    graph.outputs.append(ValueInfo(name: "c", type: nil))
    let kept = try Model(operatorSets: [OperatorSet(version: 21)], graph: graph)
      .applying([.lookUpBeforeCasting])
    #expect(kept.graph.nodes.map(\.op) == ["Cast", "Gather", "Cast"])
  }
}
