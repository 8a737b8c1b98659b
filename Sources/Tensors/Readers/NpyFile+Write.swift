extension NpyFile {
  /// Writes a tensor as format version 1.0. Types that NumPy lacks are widened: `bfloat16` to
  /// float32, 2- and 4-bit integers to 8 bits. Throws for 8- and 4-bit floats.
  public static func write(
    _ tensor: Tensor, to path: String, overwrite: Bool
  ) throws(TensorFileError) {
    guard let (type, tensor) = numpyForm(of: tensor) else {
      throw .cannotWrite(path: path, reason: "NumPy has no element type \(tensor.elementType)")
    }
    let header = headerBytes(type: type, shape: tensor.shape)
    let text = tensor.elementType == .string ? unicodeBytes(tensor) : []
    let result: Result<Void, TensorFileError> = header.withUnsafeBytes { header in
      text.withUnsafeBytes { text in
        do throws(TensorFileError) {
          let data = tensor.elementType == .string ? text : tensor.storage.bytes
          return .success(
            try OutputFile.write(to: path, overwrite: overwrite, chunks: [header, data]))
        } catch { return .failure(error) }
      }
    }
    try result.get()
  }

  static func headerBytes(type: String, shape: [Int]) -> [UInt8] {
    let dimensions =
      shape.count == 1
      ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(dimensions), }"
    let prefix = NpyHeader.magic.count + 4
    // The data starts at a multiple of 64 bytes, after a line feed.
    let length = (prefix + text.utf8.count + 1 + 63) / 64 * 64 - prefix
    let padding = String(repeating: " ", count: length - text.utf8.count - 1)
    return NpyHeader.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
      + Array((text + padding + "\n").utf8)
  }

  private static func numpyForm(of tensor: Tensor) -> (type: String, tensor: Tensor)? {
    switch tensor.elementType {
    case .bool: ("|b1", tensor)
    case .uint8: ("|u1", tensor)
    case .int8: ("|i1", tensor)
    case .uint16: ("<u2", tensor)
    case .int16: ("<i2", tensor)
    case .uint32: ("<u4", tensor)
    case .int32: ("<i4", tensor)
    case .uint64: ("<u8", tensor)
    case .int64: ("<i8", tensor)
    case .float16: ("<f2", tensor)
    case .float32: ("<f4", tensor)
    case .float64: ("<f8", tensor)
    case .complex64: ("<c8", tensor)
    case .complex128: ("<c16", tensor)
    case .bfloat16: ("<f4", widenedBFloat16(tensor))
    case .uint4, .uint2: widenedIntegers(tensor, to: .uint8).map { ("|u1", $0) }
    case .int4, .int2: widenedIntegers(tensor, to: .int8).map { ("|i1", $0) }
    case .string: ("<U\(longestText(tensor))", tensor)
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1, .float8e8m0:
      nil
    }
  }

  private static func widenedIntegers(_ tensor: Tensor, to type: ElementType) -> Tensor? {
    tensor.integers().flatMap { Tensor(integers: $0, elementType: type, shape: tensor.shape) }
  }

  private static func widenedBFloat16(_ tensor: Tensor) -> Tensor {
    let bytes = tensor.storage.bytes
    return Tensor(
      (0..<tensor.count).map { index in
        let high = UInt32(bytes[2 * index]) | UInt32(bytes[2 * index + 1]) << 8
        return Float(bitPattern: high << 16)
      }, shape: tensor.shape)
  }

  private static func longestText(_ tensor: Tensor) -> Int {
    tensor.strings.map { String(decoding: $0, as: UTF8.self).unicodeScalars.count }.max() ?? 0
  }

  private static func unicodeBytes(_ tensor: Tensor) -> [UInt8] {
    let length = longestText(tensor)
    return tensor.strings.flatMap { string -> [UInt8] in
      var scalars = String(decoding: string, as: UTF8.self).unicodeScalars.map(\.value)
      scalars += Array(repeating: 0, count: length - scalars.count)
      return scalars.flatMap { value in (0..<4).map { UInt8(value >> (8 * $0) & 0xFF) } }
    }
  }
}
