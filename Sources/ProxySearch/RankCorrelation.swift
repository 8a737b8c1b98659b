/// How alike two lists order the same things.
public enum RankCorrelation {
  /// Ranks from 1; equal values share the mean of theirs.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = values
    var first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
      for position in first...last { ranks[order[position]] = Double(first + last) / 2 + 1 }
      first = last + 1
    }
    return ranks
  }

  /// Spearman's rho: the correlation of the ranks. Nil where one list does not vary.
  public static func spearman(_ a: [Double], _ b: [Double]) -> Double? {
    guard a.count == b.count, a.count > 1 else { return nil }
    let (x, y) = (ranks(a), ranks(b))
    let mean = Double(a.count + 1) / 2
    var (covariance, first, second) = (0.0, 0.0, 0.0)
    for (p, q) in zip(x, y) {
      covariance += (p - mean) * (q - mean)
      first += (p - mean) * (p - mean)
      second += (q - mean) * (q - mean)
    }
    guard first > 0, second > 0 else { return nil }
    return covariance / (first * second).squareRoot()
  }

  /// Spearman's rho among the `share` of the positions where `b` is lowest, at least three. Nil where
  /// one list does not vary there.
  public static func spearman(_ a: [Double], _ b: [Double], best share: Double) -> Double? {
    guard a.count == b.count else { return nil }
    let wanted = Int((Double(b.count) * share).rounded(.up))
    let best = b.indices.sorted { (b[$0], $0) < (b[$1], $1) }.prefix(max(3, wanted))
    return spearman(best.map { a[$0] }, best.map { b[$0] })
  }

  /// Kendall's tau-b, which allows for ties. Nil where one list does not vary.
  public static func kendall(_ a: [Double], _ b: [Double]) -> Double? {
    guard a.count == b.count, a.count > 1 else { return nil }
    var (balance, first, second) = (0, 0, 0)
    for i in a.indices {
      for j in a.indices where j > i {
        let (p, q) = (order(a[i], a[j]), order(b[i], b[j]))
        balance += p * q
        first += p * p
        second += q * q
      }
    }
    guard first > 0, second > 0 else { return nil }
    return Double(balance) / (Double(first) * Double(second)).squareRoot()
  }

  private static func order(_ a: Double, _ b: Double) -> Int { a < b ? -1 : a > b ? 1 : 0 }
}
