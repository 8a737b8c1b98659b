/// Reads JPEG and PNG files.
public enum ImageFile {
  public static let extensions: Set<String> = ["jpg", "jpeg", "png"]

  /// Larger images are refused before anything is allocated for them.
  static let pixelLimit = 1 << 28

  /// The image as RGB, uint8 `[height, width, 3]`; transparency is dropped, grey is repeated.
  public static func read(path: String) throws(TensorFileError) -> Tensor {
    let file = try MappedFile(path: path)
    let bytes = file.bytes
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return try JPEGReader.read(bytes, path: path) }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      return try PNGReader.read(bytes, path: path)
    }
    throw .unknownFormat(path: path, expected: "a JPEG or PNG image")
  }

  static func checkSize(width: Int, height: Int, path: String) throws(TensorFileError) {
    guard width > 0, height > 0, let count = Tensor.checkedCount(of: [width, height]),
      count <= pixelLimit
    else {
      throw .unsupported(
        path: path, problem: "its size of \(width) x \(height) pixels is not usable")
    }
  }
}
