import Foundation

/// The bytes of a file, memory-mapped read-only for as long as the object lives.
public final class MappedFile: Sendable {
  public let path: String
  private let address: UInt
  private let byteCount: Int

  public init(path: String) throws(TensorFileError) {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw .cannotOpen(path: path, reason: MappedFile.lastError)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotOpen(path: path, reason: MappedFile.lastError)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotOpen(path: path, reason: "it is not a regular file")
    }
    byteCount = Int(status.st_size)
    guard byteCount > 0 else {
      address = 0
      return
    }
    guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
      start != MAP_FAILED
    else { throw .cannotOpen(path: path, reason: MappedFile.lastError) }
    address = UInt(bitPattern: start)
  }

  deinit {
    if byteCount > 0 { munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount) }
  }

  /// Valid while the object lives.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: byteCount)
  }

  static var lastError: String { String(cString: strerror(errno)) }
}
