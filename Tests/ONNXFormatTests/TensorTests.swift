import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite struct TensorTests {
  private func load(_ type: ElementType, dims: [Int], _ data: [Wire]) throws -> Tensor {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let fields = dims.map { Wire.varint(1, $0) } + [.varint(2, Int(type.rawValue))] + data
    return try TensorProtoFile.load(path: folder.write(Wire(fields).bytes, "t.pb"))
  }

  private func littleEndian<Element>(_ values: [Element]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  @Test func rawDataOfEveryFixedType() throws {
    for type in ElementType.allCases where type != .string {
      for count in [0, 1, 3, 1500] {
        let size = try #require(type.byteCount(of: count))
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 % (type == .bool ? 2 : 251)) }
        let tensor = try load(type, dims: [count], [Proto.raw(bytes)])
        #expect(tensor.elementType == type && tensor.shape == [count])
        #expect(Array(tensor.storage.bytes) == bytes)
        #expect(UInt(bitPattern: tensor.storage.base) % 64 == 0)
      }
    }
  }

  @Test func narrowTypesInInt32Data() throws {
    let int8 = try load(.int8, dims: [3], [.packed(5, [-128, -1, 127])])
    #expect(int8.elements(of: Int8.self) == [-128, -1, 127])
    let uint16 = try load(.uint16, dims: [2], [.packed(5, [65535, 1])])
    #expect(uint16.elements(of: UInt16.self) == [65535, 1])
    for type in [ElementType.float16, .bfloat16] {
      let half = try load(type, dims: [2], [.packed(5, [0x3C00, 0xFFFF])])
      #expect(Array(half.storage.bytes) == [0x00, 0x3C, 0xFF, 0xFF])
    }
    let int32 = try load(.int32, dims: [2], [.packed(5, [-2, 70000])])
    #expect(int32.elements(of: Int32.self) == [-2, 70000])
    let float8 = try load(.float8e4m3fn, dims: [2], [.packed(5, [0x7E, 0x80])])
    #expect(Array(float8.storage.bytes) == [0x7E, 0x80])
  }

  @Test func packedTypesInInt32Data() throws {
    let int4 = try load(.int4, dims: [3], [.packed(5, [0x78, 0x0F])])
    #expect(int4.integers() == [-8, 7, -1])
    let uint2 = try load(.uint2, dims: [5], [.packed(5, [0b1110_0100, 0b10])])
    #expect(uint2.integers() == [0, 1, 2, 3, 2])
  }

  @Test func wideTypesInTheirFields() throws {
    let int64 = try load(.int64, dims: [2], [.packed(7, [Int.min, 5])])
    #expect(int64.elements(of: Int64.self) == [Int64.min, 5])
    let uint32 = try load(.uint32, dims: [2], [.packed(11, [4_294_967_295, 3])])
    #expect(uint32.elements(of: UInt32.self) == [4_294_967_295, 3])
    let uint64 = try load(.uint64, dims: [1], [.packed(11, [-1])])
    #expect(uint64.elements(of: UInt64.self) == [UInt64.max])
    let complex = try load(.complex64, dims: [1], [.bytes(4, littleEndian([Float(1), -2]))])
    #expect(Array(complex.storage.bytes) == littleEndian([Float(1), -2]))
  }

  @Test(arguments: [3, 1000]) func floatsInTheirFields(count: Int) throws {
    let floats = (0..<count).map { Float($0) * 0.5 }
    let single = try load(.float32, dims: [count], [.bytes(4, littleEndian(floats))])
    #expect(single.elements(of: Float.self) == floats)
    let doubles = floats.map(Double.init)
    let double = try load(.float64, dims: [count], [.bytes(10, littleEndian(doubles))])
    #expect(double.elements(of: Double.self) == doubles)
  }

  @Test func stringsNeedNotBeText() throws {
    let tensor = try load(.string, dims: [2, 1], [.bytes(6, [0xFF, 0]), .text(6, "")])
    #expect(tensor.strings == [[0xFF, 0], []])
  }

  @Test func boolsBecomeZeroOrOne() throws {
    let raw = try load(.bool, dims: [3], [Proto.raw([0, 2, 255])])
    #expect(raw.elements(of: Bool.self) == [false, true, true])
    let large = try load(.bool, dims: [2000], [Proto.raw(.init(repeating: 7, count: 2000))])
    #expect(large.elements(of: Bool.self).allSatisfy { $0 })
  }

  @Test func savingAndLoading() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let path = folder.file("t.pb")
    for tensor in [
      Tensor([Float(1), .nan, -0.0], shape: [3, 1]), Tensor(scalar: Int64(7)),
      Tensor(strings: [[1, 2], []], shape: [2]), Tensor([Double](), shape: [0, 4]),
      Tensor((0..<5000).map { Float($0) }, shape: [50, 100]),
      try #require(Tensor(integers: [-8, 7, 3], elementType: .int4, shape: [3])),
    ] {
      try TensorProtoFile.save(tensor, name: "t", to: path, overwrite: true)
      #expect(try TensorProtoFile.load(path: path) == tensor)
    }
    #expect(try folder.names == ["t.pb"])
  }

  @Test func sequencesAndOptionals() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let one = [Wire.varint(1, 1), .varint(2, 1), Proto.raw(littleEndian([Float(1)]))]
    let tensor = Tensor([Float(1)], shape: [1])
    let sequence = try folder.write(
      Wire([.varint(2, 1), .message(3, one), .message(3, one)]).bytes, "s.pb")
    #expect(
      try TensorProtoFile.load(path: sequence, type: .sequence(.tensor(.float32, shape: nil)))
        == .sequence([.tensor(tensor), .tensor(tensor)]))
    let some = try folder.write(Wire([.varint(2, 1), .message(3, one)]).bytes, "o.pb")
    let none = try folder.write([], "n.pb")
    let type = ValueType.optional(.tensor(.float32, shape: nil))
    #expect(try TensorProtoFile.load(path: some, type: type) == .optional(.tensor(tensor)))
    #expect(try TensorProtoFile.load(path: none, type: type) == .optional(nil))
  }
}
