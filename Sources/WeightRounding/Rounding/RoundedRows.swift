/// Rows of integers with a scale each, and what they cost: `(w - scale q)' H (w - scale q)`.
struct RoundedRows {
  /// `[rows, length]`.
  var integers: [Int8]
  var scales: [Float]
  var costs: [Float]
}
