/// Least squares with coefficients of at least 0, on relative errors: minimizes
/// `sum_i weight_i (sum_j x_j a_ij / y_i - 1)^2`, where outliers weigh less (Huber).
enum NonnegativeFit {
  private static let sweeps = 20_000
  private static let reweightings = 6
  /// Residuals beyond so many times their median are outliers.
  private static let outlier = 3.0

  /// `rows[i][j]` is how often sample i has count j; all `seconds` are positive.
  static func coefficients(_ rows: [[Double]], seconds: [Double]) -> [Double] {
    guard let width = rows.first?.count else { return [] }
    let relative = zip(rows, seconds).map { row, time in row.map { $0 / time } }
    // Columns of one magnitude keep the descent well conditioned.
    let scales = (0..<width).map { column in
      max(relative.reduce(0) { max($0, $1[column]) }, .leastNormalMagnitude)
    }
    let scaled = relative.map { row in zip(row, scales).map { $0 / $1 } }
    var weights = Array(repeating: 1.0, count: rows.count)
    var x = Array(repeating: 0.0, count: width)
    for _ in 0..<reweightings {
      x = solve(scaled, weights: weights, start: x)
      let residuals = scaled.map { row in abs(zip(row, x).reduce(-1) { $0 + $1.0 * $1.1 }) }
      let bound = max(outlier * residuals.sorted()[residuals.count / 2], 1e-6)
      weights = residuals.map { $0 <= bound ? 1 : bound / $0 }
    }
    return zip(x, scales).map { $0 / $1 }
  }

  /// Coordinate descent on the normal equations.
  private static func solve(
    _ rows: [[Double]], weights: [Double], start: [Double]
  ) -> [Double] {
    let width = start.count
    var gram = Array(repeating: Array(repeating: 0.0, count: width), count: width)
    var target = Array(repeating: 0.0, count: width)
    for (row, weight) in zip(rows, weights) {
      for i in 0..<width {
        target[i] += weight * row[i]
        for j in 0..<width { gram[i][j] += weight * row[i] * row[j] }
      }
    }
    var x = start
    for _ in 0..<sweeps {
      var largestStep = 0.0
      for i in 0..<width where gram[i][i] > 0 {
        let rest = (0..<width).reduce(0) { $0 + ($1 == i ? 0 : gram[i][$1] * x[$1]) }
        let next = max(0, (target[i] - rest) / gram[i][i])
        largestStep = max(largestStep, abs(next - x[i]))
        x[i] = next
      }
      if largestStep < 1e-12 { break }
    }
    return x
  }
}
