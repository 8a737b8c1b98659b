import Testing

@testable import FloatRuntime

struct ExactPiecesTests {
  /// A channel whose bias alone is beyond float's exact integers, as pruned channels have.
  @Test func largeBiasBesideSmallProducts() {
    let weights = [Float](repeating: 1, count: 9)
    let pieces = weights.withUnsafeBufferPointer {
      ExactPieces(
        weights: $0, rows: 1, depth: 9, rowStride: 9, depthStride: 1, reach: 255,
        bias: [1 << 30])
    }
    #expect(pieces.count == 2)
    #expect(pieces.boundaries.first == 0 && pieces.boundaries.last == 9)
  }
}
