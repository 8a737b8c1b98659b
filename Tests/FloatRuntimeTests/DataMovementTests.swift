import FloatRuntime
import GraphIR
import Tensors
import Testing

/// Operators that move elements, for packed types and strings, and with sizes that do not fit.
struct DataMovementTests {
  private static let packed: [ElementType] = [.uint4, .int4, .uint2, .int2]

  private func tensor(_ values: [Int], _ type: ElementType, _ shape: [Int]) throws -> Tensor {
    try #require(Tensor(integers: values, elementType: type, shape: shape))
  }

  @Test("Packed elements are moved one by one", arguments: packed)
  func packedElements(type: ElementType) throws {
    let values = [1, 0, -1, 1, 1, 0, 0, -1, 1].map {
      type == .uint4 || type == .uint2 ? abs($0) : $0
    }
    let x = try tensor(values, type, [3, 3])
    let transposed = try runNode("Transpose", [x])[0]
    #expect(transposed.elementType == type)
    #expect(transposed.integers() == [0, 3, 6, 1, 4, 7, 2, 5, 8].map { values[$0] })
    let sliced = try runNode(
      "Slice", [x, integers([2]), integers([-9]), integers([1]), integers([-2])])[0]
    #expect(sliced.integers() == [2, 0, 5, 3, 8, 6].map { values[$0] })
    let joined = try runNode("Concat", [x, x], [Attribute("axis", .int(1))])[0]
    #expect(
      joined.integers()
        == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8, 6, 7, 8].map { values[$0] })
    let gathered = try runNode("Gather", [x, integers([-1, 0])])[0]
    #expect(gathered.integers() == [6, 7, 8, 0, 1, 2].map { values[$0] })
  }

  @Test func strings() throws {
    let texts = ["a", "", "ccc", "dd"].map { Array($0.utf8) }
    let x = Tensor(strings: texts, shape: [2, 2])
    #expect(try runNode("Transpose", [x])[0].strings == [0, 2, 1, 3].map { texts[$0] })
    let padded = try runNode("Pad", [x, integers([0, 1, 0, 0])])[0]
    #expect(padded.strings == [[], texts[0], texts[1], [], texts[2], texts[3]])
    let unique = try runNode("Unique", [Tensor(strings: texts + texts, shape: [8])], outputs: 4)
    #expect(unique[0].strings == [1, 0, 2, 3].map { texts[$0] })
    #expect(unique[1].integers() == [1, 0, 2, 3])
    #expect(unique[3].integers() == [2, 2, 2, 2])
  }

  @Test("A large transposition equals the definition")
  func largeTranspose() throws {
    let (rows, columns) = (67, 131)
    let x = Tensor((0..<rows * columns).map { Float($0) }, shape: [rows, columns])
    let y = try runNode("Transpose", [x])[0].elements(of: Float.self)
    let expected = (0..<columns).flatMap { column in
      (0..<rows).map { Float($0 * columns + column) }
    }
    #expect(y == expected)
  }

  /// Requests that cannot be met must name the node and not end the process.
  @Test func refusals() throws {
    let x = Tensor([Float](repeating: 1, count: 6), shape: [2, 3])
    let huge = Int.max / 2
    let requests: [(String, [Tensor?], [Attribute])] = [
      ("Expand", [x, integers([huge, 2, 3])], []),
      ("Tile", [x, integers([huge, huge])], []),
      ("ConstantOfShape", [integers([huge, 1])], []),
      ("ConstantOfShape", [integers([-1])], []),
      ("Reshape", [x, integers([-1, -1])], []),
      ("Reshape", [x, integers([4, -1])], []),
      ("Gather", [x, integers([2])], []),
      ("Gather", [x, integers([0])], [Attribute("axis", .int(2))]),
      ("GatherND", [x, Tensor([Int64(0), 3], shape: [1, 2])], []),
      (
        "ScatterND", [x, Tensor([Int64(0), -4], shape: [1, 2]), Tensor([Float(1)], shape: [1])], []
      ),
      ("Pad", [x, integers([huge, 0, 0, 0])], []),
      (
        "Pad", [x, integers([Int.min, 0, Int.max, 0])],
        [Attribute("mode", .string(Array("wrap".utf8)))]
      ),
      ("Pad", [x, integers([0, -2, 0, -2])], []),
      ("Slice", [x, integers([0]), integers([1]), integers([5])], []),
      ("Slice", [x, integers([0]), integers([1]), integers([0]), integers([0])], []),
      ("Squeeze", [x, integers([0])], []),
      ("Unsqueeze", [x, integers([9])], []),
      ("Transpose", [x], [Attribute("perm", .ints([0, 0]))]),
      ("OneHot", [integers([0]), integers([huge]), Tensor([Float(0), 1], shape: [2])], []),
      (
        "Range",
        [Tensor(scalar: Float(0)), Tensor(scalar: Float.infinity), Tensor(scalar: Float(1))], []
      ),
      (
        "Range", [Tensor(scalar: Int64(0)), Tensor(scalar: Int64.max), Tensor(scalar: Int64(1))], []
      ),
      ("Resize", [x, nil, Tensor([Float(1), .nan], shape: [2])], []),
      ("Resize", [x, nil, Tensor([Float(1e30), 1], shape: [2])], []),
      ("Resize", [x, nil, nil, integers([-2, 3])], []),
      ("Concat", [x, Tensor([Float(1)], shape: [1])], [Attribute("axis", .int(0))]),
      ("Split", [x, integers([1, 2])], []),
      (
        "DequantizeLinear",
        [try tensor([1, 2], .int8, [2]), Tensor([Float(1), 1, 1], shape: [3])],
        [Attribute("axis", .int(0))]
      ),
    ]
    for (op, inputs, attributes) in requests {
      let error = #expect(throws: (any Error).self, "\(op)") {
        try runNode(op, inputs, attributes)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(op), "\(op)")
    }
  }
}
