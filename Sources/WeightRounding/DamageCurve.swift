import Foundation

/// Damage over widths, from what was measured at some of them.
enum DamageCurve {
  /// Damage that never rises with the width: between measured widths along the geometric line, and
  /// a quarter for each bit beyond the widest, as rounding errors have it.
  static func completed(_ measured: [Int: Double], bits: [Int]) -> [Int: Double] {
    var known: [(bits: Int, damage: Double)] = []
    for (width, damage) in measured.sorted(by: { $0.key < $1.key }) {
      known.append((width, min(damage, known.last?.damage ?? .infinity)))
    }
    guard let first = known.first, let last = known.last else { return [:] }
    return bits.reduce(into: [:]) { result, width in
      if let below = known.last(where: { $0.bits <= width }) {
        guard let above = known.first(where: { $0.bits > width }) else {
          result[width] = last.damage * pow(4, Double(last.bits - width))
          return
        }
        let share = Double(width - below.bits) / Double(above.bits - below.bits)
        result[width] = pow(below.damage, 1 - share) * pow(above.damage, share)
      } else {
        result[width] = first.damage * pow(4, Double(first.bits - width))
      }
    }
  }
}
