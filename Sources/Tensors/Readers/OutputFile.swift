import Foundation

/// Writes a file as a whole or not at all: the bytes go to a temporary file in the same folder,
/// which then takes the name.
public enum OutputFile {
  /// Throws `.exists` where the name is taken and `overwrite` is false, without writing anything.
  public static func write(
    to path: String, overwrite: Bool, chunks: [UnsafeRawBufferPointer]
  ) throws(TensorFileError) {
    try write(to: path, overwrite: overwrite) { descriptor in
      for chunk in chunks {
        if let failure = writeAll(chunk, to: descriptor) { return failure }
      }
      return nil
    }
  }

  /// Lets `body` write to a descriptor; it returns the reason where it fails.
  public static func write(
    to path: String, overwrite: Bool, body: (Int32) -> String?
  ) throws(TensorFileError) {
    try checkWritable(path, overwrite: overwrite)
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, reason: MappedFile.lastError)
    }
    var failure = body(descriptor)
    if close(descriptor) != 0, failure == nil { failure = MappedFile.lastError }
    if failure == nil, rename(temporary, path) != 0 { failure = MappedFile.lastError }
    if let failure {
      unlink(temporary)
      throw .cannotWrite(path: path, reason: failure)
    }
  }

  public static func write(
    _ bytes: [UInt8], to path: String, overwrite: Bool
  ) throws(TensorFileError) {
    let result: Result<Void, TensorFileError> = bytes.withUnsafeBytes { buffer in
      do throws(TensorFileError) {
        return .success(try write(to: path, overwrite: overwrite, chunks: [buffer]))
      } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Throws where writing would surely fail: to be asked before long work, not instead of writing.
  public static func checkWritable(
    _ path: String, overwrite: Bool
  ) throws(TensorFileError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT != S_IFDIR else {
        throw .cannotWrite(path: path, reason: "it is a folder")
      }
      guard overwrite else { throw .exists(path: path) }
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .cannotWrite(path: path, reason: "the folder \(folder) does not exist")
    }
    guard access(folder, W_OK) == 0 else {
      throw .cannotWrite(path: path, reason: MappedFile.lastError)
    }
  }

  /// Whether the folder exists already; throws where neither it nor a folder above it can be
  /// written to.
  public static func checkFolder(_ path: String) throws(TensorFileError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw .cannotWrite(path: path, reason: "it is a file, not a folder")
      }
      return true
    }
    var above = URL(fileURLWithPath: path).standardizedFileURL
    while stat(above.path, &status) != 0, above.path != "/" { above.deleteLastPathComponent() }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw .cannotWrite(path: path, reason: "\(above.path) is not a folder")
    }
    guard access(above.path, W_OK) == 0 else {
      throw .cannotWrite(path: path, reason: "\(above.path): \(MappedFile.lastError)")
    }
    return false
  }

  /// Writes every byte; the reason where that fails.
  public static func writeAll(
    _ chunk: UnsafeRawBufferPointer, to descriptor: Int32
  ) -> String? {
    var offset = 0
    while offset < chunk.count {
      let written = Foundation.write(
        descriptor, chunk.baseAddress.map { $0 + offset }, chunk.count - offset)
      if written < 0 {
        if errno == EINTR { continue }
        return MappedFile.lastError
      }
      offset += written
    }
    return nil
  }
}
