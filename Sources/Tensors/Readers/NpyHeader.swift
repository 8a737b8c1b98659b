/// The text header of a `.npy` file (format versions 1 to 3): a Python dictionary literal with
/// the keys `descr`, `fortran_order` and `shape`.
struct NpyHeader: Equatable {
  enum ByteOrder { case little, big }

  /// What one element is on disk.
  enum Kind: Equatable {
    case number(ElementType)
    /// Fixed-length bytes, padded with zeros.
    case bytes(length: Int)
    /// Fixed-length UTF-32 text, padded with zeros.
    case unicode(length: Int)
  }

  var kind: Kind
  var byteOrder: ByteOrder
  var fortranOrder: Bool
  var shape: [Int]
  /// Where the elements start in the file.
  var dataOffset: Int

  static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  init(parsing bytes: UnsafeRawBufferPointer, path: String) throws(TensorFileError) {
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(NpyHeader.magic) else {
      throw .unknownFormat(path: path, expected: "a .npy file (its first bytes are wrong)")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw .unsupported(path: path, problem: "it has .npy format version \(version)")
    }
    let lengthBytes = version == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthBytes else {
      throw .damaged(path: path, problem: "its header is cut off")
    }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes
    guard length <= bytes.count - start else {
      throw .damaged(path: path, problem: "its header is cut off")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
    guard let literal = PythonLiteral.parse(Array(text)), case .dictionary(let entries) = literal,
      let descr = entries["descr"], case .bool(let fortranOrder)? = entries["fortran_order"],
      case .tuple(let dimensions)? = entries["shape"]
    else {
      throw .damaged(
        path: path, problem: "its header is not a dictionary of descr, fortran_order and shape")
    }
    guard case .string(let typeText) = descr else {
      throw .unsupported(path: path, problem: "it holds records, not one element type")
    }
    guard let (kind, byteOrder) = NpyHeader.elementKind(typeText) else {
      throw .unsupported(path: path, problem: "its element type '\(typeText)' has no ONNX type")
    }
    var shape: [Int] = []
    for dimension in dimensions {
      guard case .integer(let size) = dimension, size >= 0 else {
        throw .damaged(path: path, problem: "its header has a shape of something else than sizes")
      }
      shape.append(size)
    }
    self.kind = kind
    self.byteOrder = byteOrder
    self.fortranOrder = fortranOrder
    self.shape = shape
    dataOffset = start + length
  }

  /// Bytes of one element on disk.
  var elementSize: Int {
    switch kind {
    case .number(let type): type.bitWidth / 8
    case .bytes(let length): length
    case .unicode(let length): 4 * length
    }
  }

  private static let numbers: [String: ElementType] = [
    "b1": .bool, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32,
    "i4": .int32, "u8": .uint64, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
    "c8": .complex64, "c16": .complex128,
  ]

  private static func elementKind(_ text: String) -> (Kind, ByteOrder)? {
    guard let first = text.first else { return nil }
    let marked = "<>|=".contains(first)
    let code = String(marked ? text.dropFirst() : text[...])
    let order: ByteOrder = first == ">" ? .big : .little
    if let type = numbers[code] { return (.number(type), order) }
    guard let letter = code.first, let length = Int(code.dropFirst()), (0...65536).contains(length)
    else { return nil }
    switch letter {
    case "S": return (.bytes(length: length), order)
    case "U": return (.unicode(length: length), order)
    default: return nil
    }
  }
}
