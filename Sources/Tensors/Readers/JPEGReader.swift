import CImageCodecs

enum JPEGReader {
  static func read(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(TensorFileError) -> Tensor {
    guard let decoder = tjInitDecompress() else {
      throw .unsupported(path: path, problem: "libjpeg-turbo does not start")
    }
    defer { tjDestroy(decoder) }
    let source = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    var width: Int32 = 0
    var height: Int32 = 0
    var subsampling: Int32 = 0
    var colorspace: Int32 = 0
    guard
      tjDecompressHeader3(
        decoder, source, UInt(bytes.count), &width, &height, &subsampling, &colorspace) == 0
    else { throw .damaged(path: path, problem: message(decoder)) }
    try ImageFile.checkSize(width: Int(width), height: Int(height), path: path)
    let storage = TensorStorage(byteCount: Int(width) * Int(height) * 3)
    let status = tjDecompress2(
      decoder, source, UInt(bytes.count),
      storage.mutableBytes.baseAddress?.assumingMemoryBound(to: UInt8.self), width, 0, height,
      Int32(TJPF_RGB.rawValue), TJFLAG_ACCURATEDCT)
    // libjpeg only warns where data ends early, and fills the rest with grey.
    guard status == 0 || (isWarning(decoder) && !message(decoder).contains("Premature")) else {
      throw .damaged(path: path, problem: message(decoder))
    }
    return Tensor(elementType: .uint8, shape: [Int(height), Int(width), 3], storage: storage)
  }

  private static func isWarning(_ decoder: tjhandle) -> Bool {
    tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue)
  }

  private static func message(_ decoder: tjhandle) -> String {
    String(cString: tjGetErrorStr2(decoder))
  }
}
