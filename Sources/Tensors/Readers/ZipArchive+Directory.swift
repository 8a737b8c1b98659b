extension ZipArchive {
  /// The members that the central directory lists.
  static func directory(of file: MappedFile) throws(TensorFileError) -> [Member] {
    let reader = LittleEndianReader(bytes: file.bytes)
    guard reader.uint32(0) == 0x0403_4B50 || reader.uint32(0) == 0x0605_4B50,
      let end = endRecord(reader)
    else {
      throw .unknownFormat(path: file.path, expected: "a whole zip archive")
    }
    guard let (count, offset) = directoryPlace(reader, end: end) else {
      throw .damaged(path: file.path, problem: "its zip64 directory is cut off")
    }
    var members: [Member] = []
    var position = offset
    // An entry takes at least 46 bytes, so the claimed count cannot exceed what the file holds.
    guard count <= file.bytes.count / 46 else {
      throw .damaged(path: file.path, problem: "its directory claims \(count) members")
    }
    for _ in 0..<count {
      guard let (member, next) = entry(reader, at: position) else {
        throw .damaged(path: file.path, problem: "its directory is cut off")
      }
      members.append(member)
      position = next
    }
    return members
  }

  /// Position of the end-of-directory record, which a comment of up to 65535 bytes may follow.
  private static func endRecord(_ reader: LittleEndianReader) -> Int? {
    let last = reader.bytes.count - 22
    guard last >= 0 else { return nil }
    return (max(0, last - 0xFFFF)...last).reversed().first {
      reader.uint32($0) == 0x0605_4B50 && reader.uint16($0 + 20) == reader.bytes.count - $0 - 22
    }
  }

  private static func directoryPlace(
    _ reader: LittleEndianReader, end: Int
  ) -> (count: Int, offset: Int)? {
    guard let count = reader.uint16(end + 10), let offset = reader.uint32(end + 16) else {
      return nil
    }
    guard count == 0xFFFF || offset == 0xFFFF_FFFF else { return (count, offset) }
    guard reader.uint32(end - 20) == 0x0706_4B50, let record = reader.uint64(end - 12),
      reader.uint32(record) == 0x0606_4B50, let longCount = reader.uint64(record + 32),
      let longOffset = reader.uint64(record + 48)
    else { return nil }
    return (longCount, longOffset)
  }

  private static func entry(
    _ reader: LittleEndianReader, at position: Int
  ) -> (Member, next: Int)? {
    guard reader.uint32(position) == 0x0201_4B50,
      let flags = reader.uint16(position + 8), let method = reader.uint16(position + 10),
      let checksum = reader.uint32(position + 16),
      var compressedSize = reader.uint32(position + 20), var size = reader.uint32(position + 24),
      let nameLength = reader.uint16(position + 28), let extraLength = reader.uint16(position + 30),
      let commentLength = reader.uint16(position + 32),
      var headerOffset = reader.uint32(position + 42),
      let name = reader.slice(position + 46, count: nameLength),
      let extra = reader.slice(position + 46 + nameLength, count: extraLength)
    else { return nil }
    // The zip64 field holds, in this order, those values whose 32-bit place is all ones.
    if var field = zip64Field(LittleEndianReader(bytes: extra)) {
      for value in [\Fields.size, \.compressedSize, \.headerOffset] {
        var fields = Fields(
          size: size, compressedSize: compressedSize, headerOffset: headerOffset)
        guard fields[keyPath: value] == 0xFFFF_FFFF else { continue }
        guard let long = LittleEndianReader(bytes: extra).uint64(field) else { return nil }
        fields[keyPath: value] = long
        (size, compressedSize, headerOffset) =
          (fields.size, fields.compressedSize, fields.headerOffset)
        field += 8
      }
    }
    let member = Member(
      name: String(decoding: name, as: UTF8.self), method: method, flags: flags,
      checksum: UInt32(truncatingIfNeeded: checksum), compressedSize: compressedSize, size: size,
      headerOffset: headerOffset)
    return (member, position + 46 + nameLength + extraLength + commentLength)
  }

  private struct Fields {
    var size: Int
    var compressedSize: Int
    var headerOffset: Int
  }

  /// Where the values of the zip64 extra field start.
  private static func zip64Field(_ extra: LittleEndianReader) -> Int? {
    var position = 0
    while let tag = extra.uint16(position), let length = extra.uint16(position + 2) {
      if tag == 1 { return position + 4 }
      position += 4 + length
    }
    return nil
  }
}

/// Reads little-endian numbers; nil outside the bytes, and for 64-bit values above `Int.max / 2`,
/// so that sums of two offsets cannot overflow.
struct LittleEndianReader {
  let bytes: UnsafeRawBufferPointer

  func uint16(_ position: Int) -> Int? { number(position, width: 2) }
  func uint32(_ position: Int) -> Int? { number(position, width: 4) }
  func uint64(_ position: Int) -> Int? {
    number(position, width: 8).flatMap { $0 >= 0 && $0 <= Int.max / 2 ? $0 : nil }
  }

  private func number(_ position: Int, width: Int) -> Int? {
    guard let slice = slice(position, count: width) else { return nil }
    return slice.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  func slice(_ position: Int, count: Int) -> UnsafeRawBufferPointer? {
    guard position >= 0, count >= 0, position <= bytes.count, count <= bytes.count - position
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }
}
