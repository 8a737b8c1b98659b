/// Bytes of a tensor: owned and 64-byte aligned, or borrowed from an owner that it keeps alive
/// (a parsed model, a memory-mapped file).
///
/// Immutable once a `Tensor` has been made of it; that is what makes it `Sendable`.
public final class TensorStorage: @unchecked Sendable {
  public let base: UnsafeRawPointer
  public let byteCount: Int
  private let owner: AnyObject?

  /// Allocates `byteCount` uninitialized bytes.
  public init(byteCount: Int) {
    self.byteCount = byteCount
    base = UnsafeRawPointer(BlockCache.shared.take(byteCount))
    owner = nil
  }

  /// Borrows bytes that stay valid and unchanged for as long as `owner` lives.
  public init(borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    if let start = bytes.baseAddress {
      base = start
      byteCount = bytes.count
      self.owner = owner
    } else {
      base = UnsafeRawPointer(BlockCache.shared.take(0))
      byteCount = 0
      self.owner = nil
    }
  }

  deinit {
    if owner == nil {
      BlockCache.shared.giveBack(UnsafeMutableRawPointer(mutating: base), byteCount)
    }
  }

  public var bytes: UnsafeRawBufferPointer { .init(start: base, count: byteCount) }

  /// Writable view, for the creator of owned storage before it is shared.
  public var mutableBytes: UnsafeMutableRawBufferPointer {
    precondition(owner == nil, "borrowed tensor storage is read-only")
    return .init(start: UnsafeMutableRawPointer(mutating: base), count: byteCount)
  }
}
