import Synchronization

/// Memory blocks between their uses: a network that runs again asks for the sizes it gave back,
/// and fresh pages from the system cost more than small layers do.
final class BlockCache: Sendable {
  static let shared = BlockCache()

  static let alignment = 64
  private static let smallestBlock = 4_096
  /// Bytes that may wait for their next use.
  private static let capacity = 64 << 20

  private struct State {
    var blocks: [Int: [Block]] = [:]
    var bytes = 0
  }

  /// A block that nobody uses.
  private struct Block: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
  }

  private let state = Mutex(State())

  /// Uninitialized memory for at least `byteCount` bytes.
  func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= BlockCache.smallestBlock else {
      return .allocate(byteCount: max(byteCount, 1), alignment: BlockCache.alignment)
    }
    let size = BlockCache.roundedSize(byteCount)
    let cached = state.withLock { state -> Block? in
      guard let block = state.blocks[size]?.popLast() else { return nil }
      state.bytes -= size
      return block
    }
    return cached?.base ?? .allocate(byteCount: size, alignment: BlockCache.alignment)
  }

  /// Returns what `take(byteCount)` gave.
  func giveBack(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    let block = Block(base: base)
    let size = BlockCache.roundedSize(byteCount)
    let kept =
      byteCount >= BlockCache.smallestBlock
      && state.withLock { state in
        guard state.bytes + size <= BlockCache.capacity else { return false }
        state.bytes += size
        state.blocks[size, default: []].append(block)
        return true
      }
    if !kept { base.deallocate() }
  }

  /// The next size of which there are eight to a doubling, so that few sizes serve all.
  static func roundedSize(_ byteCount: Int) -> Int {
    let step = max(1, (1 << (Int.bitWidth - 1 - max(byteCount, 1).leadingZeroBitCount)) >> 3)
    guard byteCount <= Int.max - step else { return byteCount }
    return (byteCount + step - 1) / step * step
  }
}
