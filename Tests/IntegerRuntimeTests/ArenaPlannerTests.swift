import TestSupport
import Testing

@testable import IntegerRuntime

@Suite struct ArenaPlannerTests {
  @Test(arguments: 0..<50)
  func livingBlocksDoNotOverlap(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let blocks = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
      let first = Int.random(in: 0...30, using: &generator)
      return ArenaPlanner.Block(
        bytes: Int.random(in: 0...5000, using: &generator),
        life: first...(first + Int.random(in: 0...8, using: &generator)))
    }
    let plan = ArenaPlanner.plan(blocks)
    #expect(plan.bytes >= plan.lowerBound)
    for (i, a) in blocks.enumerated() {
      #expect(plan.offsets[i] % ArenaPlanner.alignment == 0)
      #expect(plan.offsets[i] + a.bytes <= plan.bytes)
      for (j, b) in blocks.enumerated() where j > i && a.life.overlaps(b.life) {
        let apart =
          plan.offsets[i] + a.bytes <= plan.offsets[j]
          || plan.offsets[j] + b.bytes <= plan.offsets[i]
        #expect(apart, "blocks \(i) and \(j)")
      }
    }
  }

  @Test func aChainNeedsNoMoreThanItsLargestPair() {
    let sizes = [640, 1280, 320, 2560, 64]
    let blocks = sizes.enumerated().map {
      ArenaPlanner.Block(bytes: $1, life: $0...($0 + 1))
    }
    let plan = ArenaPlanner.plan(blocks)
    #expect(plan.bytes == 2880 && plan.lowerBound == 2880)
  }

  @Test func nothingTakesNothing() {
    #expect(ArenaPlanner.plan([]).bytes == 0)
  }
}
