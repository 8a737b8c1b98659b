import TestSupport
import Testing

@testable import Tensors

@Suite struct NpzFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func readsStoredMembersWithZip64Sizes() throws {
    let arrays = try NpzFile.read(path: folder.write(Fixtures.storedArchive, as: "a.npz"))
    #expect(arrays.map(\.name) == ["a", "b"])
    #expect(arrays[0].tensor == Tensor([0, 1, 2] as [Int64], shape: [3]))
    #expect(arrays[1].tensor == Tensor([2.5, 2.5, 2.5, 2.5] as [Float], shape: [2, 2]))
  }

  @Test func readsDeflatedMembers() throws {
    let arrays = try NpzFile.read(path: folder.write(Fixtures.deflatedArchive, as: "a.npz"))
    #expect(arrays[0].tensor == Tensor((0..<300).map { Int64($0 % 7) }, shape: [300]))
  }

  @Test func truncationsAreErrors() throws {
    for archive in [Fixtures.storedArchive, Fixtures.deflatedArchive] {
      for length in 0..<archive.count {
        let path = try folder.write(Array(archive.prefix(length)), as: "cut.npz")
        #expect(throws: TensorFileError.self) { try NpzFile.read(path: path) }
      }
    }
  }

  /// Every byte of the archive set to other values: an error or other arrays, never a trap.
  @Test func damagedBytesNeverTrap() throws {
    for archive in [Fixtures.storedArchive, Fixtures.deflatedArchive] {
      for position in archive.indices {
        for value in [0, 0x7F, 0xFF] as [UInt8] {
          var damaged = archive
          damaged[position] = value
          _ = try? NpzFile.read(path: folder.write(damaged, as: "bad.npz"))
        }
      }
    }
  }

  @Test func wrongChecksumIsAnError() throws {
    var damaged = Fixtures.storedArchive
    let position = try #require(
      damaged.indices.first { damaged[$0...].starts(with: [2, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x4B]) })
    damaged[position] = 3
    let path = try folder.write(damaged, as: "bad.npz")
    #expect(
      throws: TensorFileError.damaged(
        path: path, problem: "the checksum of its member 'a.npy' is wrong")
    ) { try NpzFile.read(path: path) }
  }
}
