/// One block of memory for all quantized values of a plan, and where each lies in it.
final class Arena: @unchecked Sendable {
  let byteCount: Int
  private let base: UnsafeMutableRawPointer

  init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: byteCount + kernelSlack, alignment: ArenaPlanner.alignment)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount + kernelSlack)
  }

  deinit { base.deallocate() }

  func pointer(at offset: Int) -> UnsafeMutablePointer<UInt8> {
    (base + offset).assumingMemoryBound(to: UInt8.self)
  }
}

/// A quantized value in the arena.
struct PlacedValue: @unchecked Sendable {
  let layout: ImageLayout
  let parameters: QuantizedParameters
  /// The start of its block, halo included.
  let base: UnsafeMutablePointer<UInt8>
  /// What the halo holds.
  let fill: UInt8

  /// The first place of an image.
  func image(_ index: Int) -> UnsafeMutablePointer<UInt8> {
    base + layout.origin + index * layout.imagePitch
  }

  /// Writes the padding: memory is shared with other values, which leave their own there.
  func fillHalo() {
    guard !layout.isDense else { return }
    let halo = layout.halo
    let pitch = layout.rowPitch
    let left = halo.left * layout.channels
    let right = halo.right * layout.channels
    for image in 0..<layout.images {
      let start = base + image * layout.imagePitch
      start.update(repeating: fill, count: halo.top * pitch + left)
      var row = start + halo.top * pitch + left + layout.rowBytes
      for _ in 1..<max(layout.height, 1) {
        row.update(repeating: fill, count: right + left)
        row += pitch
      }
      row.update(repeating: fill, count: right + halo.bottom * pitch)
    }
  }
}
