/// Owned, aligned memory for packed constants.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  let count: Int
  let pointer: UnsafeMutablePointer<Element>
  private let base: UnsafeMutableRawPointer

  /// Zeros, with room that kernels may read past the end.
  init(count: Int) {
    self.count = count
    let bytes = count * MemoryLayout<Element>.stride + kernelSlack
    base = .allocate(byteCount: bytes, alignment: ArenaPlanner.alignment)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    pointer = base.assumingMemoryBound(to: Element.self)
  }

  convenience init(_ elements: [Element], count: Int? = nil) {
    self.init(count: max(count ?? 0, elements.count))
    for (index, element) in elements.enumerated() { pointer[index] = element }
  }

  deinit { base.deallocate() }

  var byteCount: Int { count * MemoryLayout<Element>.stride }
}
