import Tensors

/// Scratch floats, backed by the same memory as tensors.
struct FloatBuffer: @unchecked Sendable {
  private let storage: TensorStorage
  let pointer: UnsafeMutablePointer<Float>

  init(count: Int) {
    storage = TensorStorage(byteCount: count * MemoryLayout<Float>.stride)
    pointer = UnsafeMutablePointer(
      mutating: storage.base.assumingMemoryBound(to: Float.self))
  }
}
