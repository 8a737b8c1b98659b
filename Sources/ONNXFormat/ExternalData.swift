import COnnx
import Foundation
import Tensors

/// The data files of a model: each is mapped once and lives as long as a tensor that lies in it.
final class ExternalData {
  private let model: String
  private let folder: String
  private var files: [String: MappedFile] = [:]

  init(model: String) {
    self.model = model
    folder = (model as NSString).deletingLastPathComponent
  }

  /// The bytes of an external tensor, checked against the file's size.
  func storage(
    _ view: connx_tensor, name: String, type: ElementType, byteCount: Int
  ) throws(ONNXError) -> TensorStorage {
    let entries = Dictionary(
      view.external.list.map { ($0.key.text, $0.value.text) }, uniquingKeysWith: { $1 })
    guard let location = entries["location"], !location.isEmpty, !location.contains("\0") else {
      throw .externalDescription(file: model, tensor: name, key: "location")
    }
    let offset = try number(entries["offset"], key: "offset", tensor: name) ?? 0
    let length = try number(entries["length"], key: "length", tensor: name) ?? byteCount
    guard length == byteCount else {
      throw .externalLength(file: model, tensor: name, needed: byteCount, found: length)
    }
    let file = try mappedFile(at: location, tensor: name)
    guard offset <= file.bytes.count, length <= file.bytes.count - offset else {
      throw .externalRange(
        file: model, tensor: name, location: location, offset: offset, length: length,
        size: file.bytes.count)
    }
    guard length > 0 else { return TensorStorage(byteCount: 0) }
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<(offset + length)])
    let alignment = max(type.bitWidth / 8, 1)
    if UInt(bitPattern: bytes.baseAddress) % UInt(alignment) == 0 {
      return TensorStorage(borrowing: bytes, owner: file)
    }
    let copy = TensorStorage(byteCount: byteCount)
    copy.mutableBytes.copyMemory(from: bytes)
    return copy
  }

  private func number(_ text: String?, key: String, tensor: String) throws(ONNXError) -> Int? {
    guard let text else { return nil }
    guard let value = Int(text), value >= 0 else {
      throw .externalDescription(file: model, tensor: tensor, key: key)
    }
    return value
  }

  private func mappedFile(at location: String, tensor: String) throws(ONNXError) -> MappedFile {
    if let file = files[location] { return file }
    let steps = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !steps.contains("..") else {
      throw .externalOutside(file: model, tensor: tensor, location: location)
    }
    let base = folder.isEmpty ? "." : folder
    let resolvedBase = try resolved(base, tensor: tensor, location: location)
    let target = try resolved(base + "/" + location, tensor: tensor, location: location)
    guard target.hasPrefix(resolvedBase == "/" ? "/" : resolvedBase + "/") else {
      throw .externalOutside(file: model, tensor: tensor, location: location)
    }
    do {
      let file = try MappedFile(path: target)
      files[location] = file
      return file
    } catch {
      let reason = if case .cannotOpen(_, let reason) = error { reason } else { "\(error)" }
      throw .externalMissing(
        file: model, tensor: tensor, location: location, reason: reason)
    }
  }

  /// The path without symbolic links.
  private func resolved(
    _ path: String, tensor: String, location: String
  ) throws(ONNXError) -> String {
    guard let pointer = realpath(path, nil) else {
      throw .externalMissing(
        file: model, tensor: tensor, location: location, reason: systemMessage(errno))
    }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
