import CImageCodecs

enum PNGReader {
  private static let alphaFlag: UInt32 = 1
  private static let colorFlag: UInt32 = 2

  static func read(
    _ bytes: UnsafeRawBufferPointer, path: String
  ) throws(TensorFileError) -> Tensor {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
      throw .damaged(path: path, problem: message(image))
    }
    let (width, height) = (Int(image.width), Int(image.height))
    try ImageFile.checkSize(width: width, height: height, path: path)
    image.format = alphaFlag | colorFlag
    image.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
    let decoded = TensorStorage(byteCount: width * height * 4)
    guard
      png_image_finish_read(&image, nil, decoded.mutableBytes.baseAddress, Int32(width * 4), nil)
        != 0
    else { throw .damaged(path: path, problem: message(image)) }
    return Tensor(shape: [height, width, 3]) { (target: UnsafeMutableBufferPointer<UInt8>) in
      for pixel in 0..<width * height {
        for channel in 0..<3 {
          target[3 * pixel + channel] = decoded.bytes[4 * pixel + channel]
        }
      }
    }
  }

  private static func message(_ image: png_image) -> String {
    withUnsafeBytes(of: image.message) { buffer in
      String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
