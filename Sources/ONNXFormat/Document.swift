import COnnx
import Foundation
import Tensors

/// A parsed file whose views COnnx owns.
final class Document {
  let path: String
  private let handle: OpaquePointer

  private init(path: String, handle: OpaquePointer) {
    self.path = path
    self.handle = handle
  }

  deinit { connx_close(handle) }

  static func model(path: String) throws(ONNXError) -> Document {
    try open(path) { connx_open_model($0, &$1) }
  }

  static func value(path: String, kind: connx_value_kind) throws(ONNXError) -> Document {
    try open(path) { connx_open_value($0, kind, &$1) }
  }

  var model: connx_model? { connx_model_of(handle)?.pointee }
  var value: connx_value? { connx_value_of(handle)?.pointee }

  /// Fetches elements that parsing left in the file.
  func read(offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ONNXError) {
    guard let start = buffer.baseAddress, !buffer.isEmpty else { return }
    var error = connx_error()
    if connx_read(handle, offset, start, buffer.count, &error) != CONNX_OK {
      throw ONNXError(error, file: path)
    }
  }

  private static func open(
    _ path: String, _ parse: (UnsafePointer<CChar>, inout connx_error) -> OpaquePointer?
  ) throws(ONNXError) -> Document {
    var error = connx_error()
    guard let handle = path.withCString({ parse($0, &error) }) else {
      throw ONNXError(error, file: path)
    }
    return Document(path: path, handle: handle)
  }
}

extension ONNXError {
  init(_ error: connx_error, file: String) {
    switch error.status {
    case CONNX_SYSTEM:
      self = .unreadable(file: file, reason: systemMessage(error.system_error))
    case CONNX_NOT_A_FILE: self = .notAFile(file: file)
    case CONNX_EMPTY: self = .empty(file: file)
    case CONNX_TOO_LARGE: self = .tooLarge(file: file)
    case CONNX_SCATTERED: self = .scatteredTensor(file: file, offset: Int(error.offset))
    case CONNX_MEMORY: self = .outOfMemory(file: file)
    default: self = .malformed(file: file, offset: Int(error.offset))
    }
  }
}

func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
