import Tensors

/// How the depth of an integer product is cut so that float32 sums stay exact: every partial sum
/// of a piece is an integer below 2^24. Whole sums wrap at int32, as ONNX allows.
struct ExactPieces: Sendable {
  private static let exactLimit: Float = 16_777_216

  /// Starts of the pieces, then the depth.
  let boundaries: [Int]
  /// Whether no sum, bias included, can leave int32.
  let fitsInt32: Bool

  var count: Int { boundaries.count - 1 }
  var isWhole: Bool { count == 1 }
  var ranges: [Range<Int>] { zip(boundaries, boundaries.dropFirst()).map { $0..<$1 } }

  /// `weights` are integers, element (row, k) at `row * rowStride + k * depthStride`; the other
  /// operand's magnitude is at most `reach`.
  init(
    weights: UnsafeBufferPointer<Float>, rows: Int, depth: Int, rowStride: Int, depthStride: Int,
    reach: Int, bias: [Int32]?
  ) {
    func magnitude(_ row: Int, _ range: Range<Int>) -> Float {
      var sum: Float = 0
      for k in range { sum += abs(weights[row * rowStride + k * depthStride]) }
      return sum * Float(reach)
    }
    let products = (0..<rows).map { Double(magnitude($0, 0..<depth)) * 1.0001 }
    let most = products.indices.map { products[$0] + Double(bias?[$0].magnitude ?? 0) }.max() ?? 0
    fitsInt32 = most <= Double(Int32.max)
    guard most >= Double(ExactPieces.exactLimit) else {
      boundaries = [0, depth]
      return
    }
    // The bias joins the pieces as an integer: only the products have to be cut.
    let fewest = Int((products.max() ?? 0) / Double(ExactPieces.exactLimit))
    for count in min(max(2, fewest), max(2, depth))...max(2, depth) {
      let cuts = (0...count).map { depth * $0 / count }
      let exact = zip(cuts, cuts.dropFirst()).allSatisfy { first, last in
        (0..<rows).allSatisfy { magnitude($0, first..<last) < ExactPieces.exactLimit }
      }
      if exact {
        boundaries = cuts
        return
      }
    }
    boundaries = Array(0...depth)
  }
}
