import COnnx

/// Owns the memory that the views of one export point to.
final class ViewArena {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  /// Copies plain views to memory that lives as long as the arena.
  func list<Element: BitwiseCopyable>(_ items: [Element]) -> UnsafePointer<Element>? {
    guard !items.isEmpty else { return nil }
    let start = UnsafeMutablePointer<Element>.allocate(capacity: items.count)
    start.initialize(from: items, count: items.count)
    blocks.append(UnsafeMutableRawPointer(start))
    return UnsafePointer(start)
  }

  func bytes(_ items: [UInt8]) -> connx_bytes {
    connx_bytes(start: list(items), count: items.count)
  }

  func text(_ text: String) -> connx_bytes { bytes(Array(text.utf8)) }

  func names(_ texts: [String]) -> connx_names { strings(texts.map { Array($0.utf8) }) }

  func strings(_ items: [[UInt8]]) -> connx_names {
    connx_names(items: list(items.map(bytes)), count: items.count)
  }

  func entries(_ items: [(key: String, value: String)]) -> connx_entries {
    connx_entries(
      items: list(items.map { connx_entry(key: text($0.key), value: text($0.value)) }),
      count: items.count)
  }
}
