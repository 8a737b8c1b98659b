/// Places blocks of memory whose lives are known.
enum ArenaPlanner {
  static let alignment = 64

  struct Block: Sendable {
    var bytes: Int
    /// First and last step of its life, both included.
    var life: ClosedRange<Int>
  }

  struct Plan: Sendable {
    var offsets: [Int]
    var bytes: Int
    /// Bytes of the largest set of blocks that live at once: no plan can need less.
    var lowerBound: Int
  }

  /// Largest blocks first, each at the lowest offset that no block of an overlapping life takes.
  static func plan(_ blocks: [Block]) -> Plan {
    let sizes = blocks.map { ($0.bytes + alignment - 1) / alignment * alignment }
    let order = blocks.indices.sorted { (sizes[$0], $1) > (sizes[$1], $0) }
    var offsets = Array(repeating: 0, count: blocks.count)
    var placed: [Int] = []
    var total = 0
    for index in order {
      var offset = 0
      for other in placed.sorted(by: { offsets[$0] < offsets[$1] })
      where blocks[other].life.overlaps(blocks[index].life) {
        if offsets[other] >= offset + sizes[index] { break }
        offset = max(offset, offsets[other] + sizes[other])
      }
      offsets[index] = offset
      total = max(total, offset + sizes[index])
      placed.append(index)
    }
    let steps = blocks.map(\.life.upperBound).max() ?? -1
    let bound = (0...max(steps, 0)).map { step in
      blocks.indices.reduce(0) { $0 + (blocks[$1].life.contains(step) ? sizes[$1] : 0) }
    }.max()
    return Plan(offsets: offsets, bytes: total, lowerBound: bound ?? 0)
  }
}
