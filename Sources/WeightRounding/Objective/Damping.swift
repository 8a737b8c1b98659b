/// What is added to the diagonal of a layer's input moment, relative to its mean. What samples say of
/// the inputs holds the less, the fewer columns there are for each weight of a row.
///
/// Rounding asks only which errors cancel out. Correction fits every weight to the errors that earlier
/// layers made on these very samples, and needs to be held back much more.
struct Damping {
  let rounding: Float
  let correction: Float

  static let mostRounding: Float = 0.3
  private static let leastRounding: Float = 0.1
  private static let perScarcity: Float = 10

  /// For rows of `length` weights and moments of so many columns; all of it times `factor`.
  init(length: Int, columns: Int, factor: Float = 1) {
    let scarcity = Float(length) / Float(max(columns, 1))
    rounding = factor * min(max(scarcity, Self.leastRounding), Self.mostRounding)
    correction = factor * (Self.mostRounding + Self.perScarcity * scarcity)
  }
}
