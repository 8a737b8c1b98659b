import TestSupport
import Testing

@testable import Tensors

@Suite struct NpyFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func npy(_ header: String, version: UInt8 = 1, data: [UInt8]) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(text.count >> (8 * $0) & 0xFF) }
    return NpyHeader.magic + [version, 0] + length + text + data
  }

  private func read(_ header: String, version: UInt8 = 1, data: [UInt8]) throws -> Tensor {
    try NpyFile.read(path: folder.write(npy(header, version: version, data: data), as: "a.npy"))
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func readsEveryFormatVersion(version: UInt8) throws {
    let tensor = try read(
      "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }", version: version,
      data: [1, 0, 255, 255, 0, 1])
    #expect(tensor == Tensor([1, -1, 256] as [Int16], shape: [3]))
  }

  @Test func readsFortranOrder() throws {
    let tensor = try read(
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", data: [1, 4, 2, 5, 3, 6])
    #expect(tensor == Tensor([1, 2, 3, 4, 5, 6] as [UInt8], shape: [2, 3]))
  }

  @Test func readsBigEndianFortranOrder() throws {
    let tensor = try read(
      "{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2), }",
      data: [0, 1, 0, 3, 0, 2, 1, 4])
    #expect(tensor == Tensor([1, 2, 3, 260] as [UInt16], shape: [2, 2]))
  }

  @Test func swapsBothPartsOfBigEndianComplexNumbers() throws {
    let tensor = try read(
      "{'descr': '>c8', 'fortran_order': False, 'shape': (1,), }",
      data: [0x3F, 0x80, 0, 0, 0x40, 0, 0, 0])
    #expect(Array(tensor.storage.bytes) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
  }

  @Test func readsHalves() throws {
    let tensor = try read(
      "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", data: [0, 0x3C, 0, 0xC0])
    #expect(tensor.elementType == .float16)
    #expect(Array(tensor.storage.bytes) == [0, 0x3C, 0, 0xC0])
  }

  @Test func makesEveryNonzeroBoolTrue() throws {
    let tensor = try read(
      "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", data: [0, 2, 255])
    #expect(tensor == Tensor([false, true, true], shape: [3]))
  }

  @Test func readsText() throws {
    let tensor = try read(
      "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }",
      data: [0x61, 0, 0, 0, 0, 0, 0, 0, 0xE9, 0, 0, 0, 0x62, 0, 0, 0])
    #expect(tensor.strings == [Array("a".utf8), Array("éb".utf8)])
  }

  @Test func readsScalarsAndEmptyArrays() throws {
    let scalar = try read(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
      data: [0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
    #expect(scalar == Tensor(scalar: 1.5))
    let empty = try read("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 3), }", data: [])
    #expect(empty.shape == [0, 3])
  }

  @Test(arguments: [
    Tensor([1.5, -2, .infinity, 0] as [Float], shape: [2, 2]),
    Tensor([true, false], shape: [2, 1]),
    Tensor([Int64.min, 7], shape: [2]),
    Tensor(scalar: UInt64.max),
    Tensor(strings: [Array("x".utf8), Array("größer".utf8)], shape: [2]),
  ])
  func writtenFilesReadBack(tensor: Tensor) throws {
    let path = folder.path("b.npy")
    try NpyFile.write(tensor, to: path, overwrite: false)
    #expect(try NpyFile.read(path: path) == tensor)
    #expect(
      try MappedFile(path: path).bytes.count % 64 == tensor.storage.byteCount % 64
        || tensor.elementType == .string)
    #expect(throws: TensorFileError.exists(path: path)) {
      try NpyFile.write(tensor, to: path, overwrite: false)
    }
    #expect(folder.contents == ["b.npy"])
  }

  @Test func widensWhatNumPyLacks() throws {
    let int4 = try #require(Tensor(integers: [-8, 7, 3], elementType: .int4, shape: [3]))
    try NpyFile.write(int4, to: folder.path("i4.npy"), overwrite: false)
    #expect(
      try NpyFile.read(path: folder.path("i4.npy")) == Tensor([-8, 7, 3] as [Int8], shape: [3]))
  }

  @Test(arguments: [
    "", "{", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<q9', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<U99999999999', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '\\x3c', 'fortran_order': False, 'shape': (1,)}",
    String(repeating: "(", count: 5000),
  ])
  func hostileHeadersAreErrors(header: String) throws {
    #expect(throws: TensorFileError.self) { try read(header, data: [0, 0, 0, 0]) }
  }

  @Test func everyTruncationIsAnError() throws {
    let whole = npy(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data: Array(0..<8))
    for length in 0..<whole.count {
      let path = try folder.write(Array(whole.prefix(length)), as: "cut.npy")
      #expect(throws: TensorFileError.self) { try NpyFile.read(path: path) }
    }
  }

  @Test func missingFilesAndFoldersAreNamed() {
    let missing = folder.path("no.npy")
    #expect(
      throws: TensorFileError.cannotOpen(path: missing, reason: "No such file or directory")
    ) { try NpyFile.read(path: missing) }
    let itself = folder.url.path
    #expect(throws: TensorFileError.self) { try NpyFile.read(path: itself) }
  }
}
