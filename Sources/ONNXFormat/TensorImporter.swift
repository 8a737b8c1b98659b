import COnnx
import Tensors

/// Makes tensors of their views; the tensors do not need the document afterwards.
struct TensorImporter {
  let document: Document
  let externalData: ExternalData

  init(document: Document) {
    self.document = document
    externalData = ExternalData(model: document.path)
  }

  func tensor(_ view: connx_tensor) throws(ONNXError) -> Tensor {
    let file = document.path
    let name = view.name.text
    guard let type = ElementType(rawValue: view.data_type) else {
      throw .tensorType(file: file, tensor: name, code: Int(view.data_type))
    }
    let shape = UnsafeBufferPointer(start: view.dims, count: view.dim_count).map { Int($0) }
    guard let count = Tensor.checkedCount(of: shape), let needed = type.byteCount(of: count) else {
      throw .tensorShape(file: file, tensor: name, shape: shape)
    }
    func checkSize(_ found: Int, of needed: Int) throws(ONNXError) {
      guard found == needed else {
        throw .tensorSize(
          file: file, tensor: name, type: type.description, shape: shape, needed: needed,
          found: found)
      }
    }
    if type == .string {
      try checkSize(view.strings.count, of: count)
      return Tensor(strings: view.strings.arrays, shape: shape)
    }
    let storage: TensorStorage
    switch view.data_kind {
    case CONNX_DATA_EXTERNAL:
      storage = try externalData.storage(view, name: name, type: type, byteCount: needed)
    case CONNX_DATA_IN_FILE:
      try checkSize(Int(view.file_count), of: needed)
      storage = TensorStorage(byteCount: needed)
      try document.read(offset: view.file_offset, into: storage.mutableBytes)
    default:
      try checkSize(view.data.count, of: needed)
      storage = TensorStorage(byteCount: needed)
      storage.mutableBytes.copyBytes(from: view.data.buffer)
    }
    return Tensor(
      elementType: type, shape: shape,
      storage: type == .bool ? storage.withNormalizedBools() : storage)
  }
}

extension TensorStorage {
  /// A bool is the byte 0 or 1, whatever the file holds.
  fileprivate func withNormalizedBools() -> TensorStorage {
    if bytes.allSatisfy({ $0 <= 1 }) { return self }
    let copy = TensorStorage(byteCount: byteCount)
    copy.mutableBytes.copyBytes(from: bytes.lazy.map { $0 == 0 ? UInt8(0) : 1 })
    return copy
  }
}
