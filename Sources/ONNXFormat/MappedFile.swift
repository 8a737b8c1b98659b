import Foundation

/// A regular file mapped for reading, unmapped with the last reference.
///
/// The bytes never change through the mapping, which is what makes it `Sendable`.
final class MappedFile: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  struct Failure: Error { let description: String }

  init(path: String) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else { throw Failure(description: systemMessage(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Failure(description: systemMessage(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(description: "it is not a regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
    else { throw Failure(description: systemMessage(errno)) }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}
