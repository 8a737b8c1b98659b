/// Rows of integers with their scales, and what they cost: `(w - scale q)' H (w - scale q)`.
struct RoundedRows {
  /// `[rows, length]`.
  var integers: [Int8]
  /// `[rows, blocks]`.
  var scales: [Float]
  var costs: [Float]
}
