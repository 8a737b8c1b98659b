import CZlib

/// Reads the members of a zip archive: stored or deflated, with or without zip64 sizes
/// (PKWARE APPNOTE 6.3, sections 4.3 and 4.5.3).
struct ZipArchive {
  struct Member: Equatable {
    var name: String
    var method: Int
    var flags: Int
    var checksum: UInt32
    var compressedSize: Int
    var size: Int
    var headerOffset: Int
  }

  let file: MappedFile
  let members: [Member]

  init(path: String) throws(TensorFileError) {
    file = try MappedFile(path: path)
    members = try ZipArchive.directory(of: file)
  }

  /// A member's bytes, checked against its checksum, and what keeps them alive.
  func contents(
    of member: Member
  ) throws(TensorFileError) -> (bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    guard member.flags & 1 == 0 else {
      throw .unsupported(path: file.path, problem: "its member '\(member.name)' is encrypted")
    }
    let header = LittleEndianReader(bytes: file.bytes)
    guard header.uint32(member.headerOffset) == 0x0403_4B50,
      let nameLength = header.uint16(member.headerOffset + 26),
      let extraLength = header.uint16(member.headerOffset + 28),
      let packed = header.slice(
        member.headerOffset + 30 + nameLength + extraLength, count: member.compressedSize)
    else { throw damaged("its member '\(member.name)' lies outside the file") }
    switch member.method {
    case 0:
      guard member.size == member.compressedSize else {
        throw damaged("its member '\(member.name)' has two sizes")
      }
      try check(packed, of: member)
      return (packed, file)
    case 8:
      let storage = try inflated(packed, member: member)
      try check(storage.bytes, of: member)
      return (storage.bytes, storage)
    default:
      throw .unsupported(
        path: file.path,
        problem: "its member '\(member.name)' uses compression method \(member.method)")
    }
  }

  private func check(
    _ bytes: UnsafeRawBufferPointer, of member: Member
  ) throws(TensorFileError) {
    var checksum: UInt = 0
    var offset = 0
    while offset < bytes.count {
      let length = min(bytes.count - offset, 1 << 30)
      checksum = crc32(
        checksum, bytes.baseAddress.map { ($0 + offset).assumingMemoryBound(to: UInt8.self) },
        UInt32(length))
      offset += length
    }
    guard UInt32(truncatingIfNeeded: checksum) == member.checksum else {
      throw damaged("the checksum of its member '\(member.name)' is wrong")
    }
  }

  private func inflated(
    _ packed: UnsafeRawBufferPointer, member: Member
  ) throws(TensorFileError) -> TensorStorage {
    // Deflate packs at most 1032 to 1; a larger claim would only make us allocate for nothing.
    guard member.size / 1032 <= packed.count else {
      throw damaged("its member '\(member.name)' has an impossible size")
    }
    let storage = TensorStorage(byteCount: member.size)
    guard Inflation.inflateRaw(packed, into: storage.mutableBytes) else {
      throw damaged("its member '\(member.name)' does not decompress")
    }
    return storage
  }

  private func damaged(_ problem: String) -> TensorFileError {
    .damaged(path: file.path, problem: problem)
  }
}

enum Inflation {
  /// Decompresses a raw deflate stream; false unless it fills `target` exactly.
  static func inflateRaw(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var stream = z_stream()
    guard
      inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return false }
    defer { inflateEnd(&stream) }
    var consumed = 0
    var produced = 0
    var scratch: UInt8 = 0
    while true {
      // zlib counts in 32 bits.
      let input = min(source.count - consumed, 1 << 30)
      let output = min(target.count - produced, 1 << 30)
      stream.next_in = UnsafeMutablePointer(
        mutating: source.baseAddress.map {
          ($0 + consumed).assumingMemoryBound(to: UInt8.self)
        })
      stream.avail_in = UInt32(input)
      let code = withUnsafeMutablePointer(to: &scratch) { scratch in
        // A full target still needs room for one byte to see the end of the stream.
        stream.next_out =
          output == 0
          ? scratch
          : target.baseAddress.map { ($0 + produced).assumingMemoryBound(to: UInt8.self) }
        stream.avail_out = output == 0 ? 1 : UInt32(output)
        let available = stream.avail_out
        let code = inflate(&stream, Z_NO_FLUSH)
        produced += Int(available - stream.avail_out)
        return code
      }
      consumed += input - Int(stream.avail_in)
      if produced > target.count { return false }
      if code == Z_STREAM_END { return produced == target.count }
      if code != Z_OK || (consumed == source.count && stream.avail_out > 0) { return false }
    }
  }
}
