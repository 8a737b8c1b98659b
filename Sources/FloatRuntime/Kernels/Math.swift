import Foundation

/// Functions of the C library under names that say what they do.
enum Math {
  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
