import Tensors

/// Which positions of a sample hold tokens; the others are padding, which no output depends on.
struct TokenMask: Sendable {
  /// By position, row-major.
  private let isToken: [Bool]

  /// Reads the input of integer type that is called a mask; nil where there is none of zeros and ones.
  init?(sample: [String: Tensor]) {
    let candidates = sample.filter { $0.key.lowercased().contains("mask") && $0.value.rank == 2 }
    guard candidates.count == 1, let mask = candidates.first?.value,
      mask.elementType == .int64 || mask.elementType == .int32
    else { return nil }
    let values =
      mask.elementType == .int64
      ? mask.elements(of: Int64.self) : mask.elements(of: Int32.self).map { Int64($0) }
    guard values.allSatisfy({ $0 == 0 || $0 == 1 }), values.contains(1) else { return nil }
    isToken = values.map { $0 == 1 }
  }

  /// The masks of samples; nil where not every one has one.
  static func of(_ samples: [[String: Tensor]]) -> [TokenMask]? {
    let masks = samples.compactMap { TokenMask(sample: $0) }
    return masks.count == samples.count ? masks : nil
  }

  /// The positions that hold tokens, of those of a value with `count` positions; all where the
  /// value's positions are not the mask's.
  func kept(_ positions: [Int], of count: Int) -> [Int] {
    count == isToken.count ? positions.filter { isToken[$0] } : positions
  }
}
