/// Reads `.npy` files. Little-endian C-order data is borrowed from the mapped file, so that a file
/// larger than memory can be read row by row; everything else is converted to that form.
public enum NpyFile {
  public static func read(path: String) throws(TensorFileError) -> Tensor {
    let file = try MappedFile(path: path)
    return try read(file.bytes, owner: file, path: path)
  }

  /// Reads a file's bytes, which `owner` keeps alive; `path` is for messages.
  static func read(
    _ bytes: UnsafeRawBufferPointer, owner: AnyObject, path: String
  ) throws(TensorFileError) -> Tensor {
    let header = try NpyHeader(parsing: bytes, path: path)
    guard let count = Tensor.checkedCount(of: header.shape),
      case let (needed, overflow) = count.multipliedReportingOverflow(by: header.elementSize),
      !overflow
    else { throw .damaged(path: path, problem: "its shape \(header.shape) is too large") }
    let present = bytes.count - header.dataOffset
    guard needed <= present else {
      throw .damaged(
        path: path,
        problem: "shape \(header.shape) needs \(needed) bytes of data, the file has \(present)")
    }
    let data = UnsafeRawBufferPointer(
      rebasing: bytes[header.dataOffset..<header.dataOffset + needed])
    switch header.kind {
    case .number(let type): return number(type, data, header: header, owner: owner)
    case .bytes, .unicode: return strings(data, header: header)
    }
  }

  private static func number(
    _ type: ElementType, _ data: UnsafeRawBufferPointer, header: NpyHeader, owner: AnyObject
  ) -> Tensor {
    let size = header.elementSize
    let isComplex = type == .complex64 || type == .complex128
    let swaps = header.byteOrder == .big && size > 1
    let transposes = header.fortranOrder && header.shape.count > 1
    let normalizesBool = type == .bool && data.contains { $0 > 1 }
    guard swaps || transposes || normalizesBool else {
      return Tensor(
        elementType: type, shape: header.shape,
        storage: TensorStorage(borrowing: data, owner: owner))
    }
    let storage = TensorStorage(byteCount: data.count)
    let target = storage.mutableBytes
    let swapWidth = isComplex ? size / 2 : size
    forEachSource(of: header.shape, fortranOrder: transposes) { index, source in
      for byte in 0..<size {
        let from =
          swaps ? byte / swapWidth * swapWidth + (swapWidth - 1 - byte % swapWidth) : byte
        let value = data[source * size + from]
        target[index * size + byte] = normalizesBool ? min(value, 1) : value
      }
    }
    return Tensor(elementType: type, shape: header.shape, storage: storage)
  }

  private static func strings(_ data: UnsafeRawBufferPointer, header: NpyHeader) -> Tensor {
    let size = header.elementSize
    var strings: [[UInt8]] = Array(repeating: [], count: Tensor.count(of: header.shape))
    forEachSource(of: header.shape, fortranOrder: header.fortranOrder) { index, source in
      let element = UnsafeRawBufferPointer(
        rebasing: data[source * size..<(source + 1) * size])
      strings[index] = text(element, header: header)
    }
    return Tensor(strings: strings, shape: header.shape)
  }

  private static func text(_ element: UnsafeRawBufferPointer, header: NpyHeader) -> [UInt8] {
    if case .bytes = header.kind {
      return Array(element[..<((element.lastIndex { $0 != 0 } ?? -1) + 1)])
    }
    var scalars = stride(from: 0, to: element.count, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { value, byte in
        let shift = header.byteOrder == .little ? byte : 3 - byte
        return value | UInt32(element[start + byte]) << (8 * UInt32(shift))
      }
    }
    while scalars.last == 0 { scalars.removeLast() }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars.map { UnicodeScalar($0) ?? "\u{FFFD}" })
    return Array(String(text).utf8)
  }

  /// Calls `body` with every row-major index and the position of that element in the file.
  private static func forEachSource(
    of shape: [Int], fortranOrder: Bool, _ body: (_ index: Int, _ source: Int) -> Void
  ) {
    let count = Tensor.count(of: shape)
    guard fortranOrder, count > 0 else {
      for index in 0..<count { body(index, index) }
      return
    }
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var position = [Int](repeating: 0, count: shape.count)
    var source = 0
    for index in 0..<count {
      body(index, source)
      for axis in shape.indices.reversed() {
        position[axis] += 1
        source += strides[axis]
        if position[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        position[axis] = 0
      }
    }
  }
}
