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
    /// The step at which that set lives.
    var peak: Int
  }

  /// Orders that the search tries before it gives up the lower bound, fewer of many blocks.
  private static func tries(_ blocks: Int) -> Int {
    min(2_000, 20_000_000 / max(blocks * blocks, 1))
  }

  /// Blocks one after another, each at the lowest offset that no block of an overlapping life takes.
  /// The order decides: largest first is good, and where it misses the lower bound, a search moves
  /// the blocks that reach furthest to the front. The same blocks get the same plan.
  static func plan(_ blocks: [Block]) -> Plan {
    let sizes = blocks.map { ($0.bytes + alignment - 1) / alignment * alignment }
    let (peak, lowerBound) = busiest(blocks, sizes)
    func area(_ index: Int) -> Int { sizes[index] * blocks[index].life.count }
    let starts = [
      blocks.indices.sorted { (sizes[$0], $1) > (sizes[$1], $0) },
      blocks.indices.sorted { (area($0), $1) > (area($1), $0) },
      blocks.indices.sorted { (blocks[$0].life.count, $1) > (blocks[$1].life.count, $0) },
    ]
    var best = (order: starts[0], placement: place(blocks, sizes, in: starts[0]))
    for order in starts.dropFirst() where best.placement.bytes > lowerBound {
      let placement = place(blocks, sizes, in: order)
      if placement.bytes < best.placement.bytes { best = (order, placement) }
    }
    var state: UInt64 = 1
    func random(below count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
    for _ in 0..<tries(blocks.count) where best.placement.bytes > lowerBound {
      var order = best.order
      let offsets = best.placement.offsets
      let highest = order.indices.filter {
        offsets[order[$0]] + sizes[order[$0]] == best.placement.bytes
      }
      let from = random(below: 2) == 0 ? highest[0] : random(below: order.count)
      let block = order.remove(at: from)
      order.insert(block, at: random(below: order.count + 1))
      let placement = place(blocks, sizes, in: order)
      if placement.bytes <= best.placement.bytes { best = (order, placement) }
    }
    return Plan(
      offsets: best.placement.offsets, bytes: best.placement.bytes, lowerBound: lowerBound,
      peak: peak)
  }

  private static func place(
    _ blocks: [Block], _ sizes: [Int], in order: [Int]
  ) -> (offsets: [Int], bytes: Int) {
    var offsets = Array(repeating: 0, count: blocks.count)
    /// Placed blocks by offset.
    var placed: [Int] = []
    var total = 0
    for index in order {
      var offset = 0
      for other in placed where blocks[other].life.overlaps(blocks[index].life) {
        if offsets[other] >= offset + sizes[index] { break }
        offset = max(offset, offsets[other] + sizes[other])
      }
      offsets[index] = offset
      total = max(total, offset + sizes[index])
      let after = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: after)
    }
    return (offsets, total)
  }

  /// The step at which most bytes live, and how many.
  private static func busiest(_ blocks: [Block], _ sizes: [Int]) -> (step: Int, bytes: Int) {
    let steps = (blocks.map(\.life.upperBound).max() ?? -1) + 1
    var changes = Array(repeating: 0, count: steps + 1)
    for (block, size) in zip(blocks, sizes) {
      changes[max(block.life.lowerBound, 0)] += size
      changes[block.life.upperBound + 1] -= size
    }
    var (live, peak, most) = (0, 0, 0)
    for step in 0..<steps {
      live += changes[step]
      if live > most { (peak, most) = (step, live) }
    }
    return (peak, most)
  }
}
