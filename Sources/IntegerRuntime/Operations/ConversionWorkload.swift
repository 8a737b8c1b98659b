import HardwareProfiles

extension ImageLayout {
  /// Whether channels that lie side by side here lie plane by plane in the tensor.
  var isInterleaved: Bool { isPlanar && channels > 1 && height * width > 1 }
}

/// Channels beyond which planes are gathered one by one.
private let manyChannels = 4

extension KernelWorkload {
  /// Elements whose many channels change from side by side to plane by plane count as
  /// multiply-accumulates.
  static func conversion(
    _ name: String, _ op: String, _ layout: ImageLayout, interleavedRuns: Int
  ) -> KernelWorkload {
    let isInterleaved = layout.isInterleaved
    return KernelWorkload(
      name: name, op: op, kind: .conversion,
      rows: isInterleaved && layout.channels > manyChannels ? layout.count : 0, depth: 1,
      columns: 1,
      runs: isInterleaved ? interleavedRuns : layout.isPlanar ? layout.images * layout.height : 1,
      inputs: layout.count, outputs: layout.count)
  }
}
