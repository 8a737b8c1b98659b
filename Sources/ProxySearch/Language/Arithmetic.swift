import Foundation

/// The functions of formulas on plain numbers, guards included.
enum Arithmetic {
  static func unary(_ primitive: Primitive, _ x: Double) -> Double {
    switch primitive {
    case .negate: -x
    case .abs: Swift.abs(x)
    case .sq: x * x
    case .sqrt: x > 0 ? x.squareRoot() : 0
    case .exp: Foundation.exp(x)
    case .log: x > 0 ? Foundation.log(x) : 0
    case .abslog: x == 0 ? 0 : Foundation.log(Swift.abs(x))
    case .invert: 1 / (x + 1e-9)
    case .relu: Swift.max(x, 0)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .tanh: Foundation.tanh(x)
    case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
    default: x
    }
  }

  static func unary(_ primitive: Primitive, _ values: [Double]) -> [Double] {
    // Loops of their own for what formulas do to whole weights.
    switch primitive {
    case .sq: values.map { $0 * $0 }
    case .abs: values.map { Swift.abs($0) }
    default: values.map { unary(primitive, $0) }
    }
  }

  static func binary(_ primitive: Primitive, _ x: Double, _ y: Double) -> Double {
    switch primitive {
    case .add: x + y
    case .subtract: x - y
    case .multiply: x * y
    // A layer without any signal has no relative error.
    case .divide: x == 0 ? 0 : x / y
    case .power: pow(x, y)
    case .least: x.isNaN || y.isNaN ? .nan : Swift.min(x, y)
    case .greatest: x.isNaN || y.isNaN ? .nan : Swift.max(x, y)
    default: x
    }
  }

  /// `count` numbers, `stride` apart.
  static func reduction(
    _ primitive: Primitive, _ values: UnsafeBufferPointer<Double>, from start: Int = 0, count: Int,
    stride: Int = 1
  ) -> Double {
    let numbers = Numbers(values: values, start: start, count: count, stride: stride)
    let total = Double(Swift.max(count, 1))
    switch primitive {
    case .mean, .rowMean, .columnMean: return numbers.sum { $0 } / total
    case .norm, .rowNorm, .columnNorm: return numbers.sum { $0 * $0 }.squareRoot()
    case .l1: return numbers.sum { Swift.abs($0) } / total
    case .min: return numbers.extreme(.infinity) { $0 < $1 }
    case .max, .rowMax, .columnMax: return numbers.extreme(-.infinity) { $0 > $1 }
    case .std:
      let mean = numbers.sum { $0 } / total
      return (numbers.sum { ($0 - mean) * ($0 - mean) } / total).squareRoot()
    default: return numbers.sum { $0 }
    }
  }

  /// Numbers that lie evenly spaced in memory.
  private struct Numbers {
    let values: UnsafeBufferPointer<Double>
    let start: Int
    let count: Int
    let stride: Int

    /// In eight parts: a sum that waits for the one before is slow.
    @inline(__always)
    func sum(_ term: (Double) -> Double) -> Double {
      var parts = SIMD8<Double>.zero
      let whole = count / 8 * 8
      for first in Swift.stride(from: 0, to: whole, by: 8) {
        for lane in 0..<8 { parts[lane] += term(values[start + (first + lane) * stride]) }
      }
      var sum = parts.sum()
      for index in whole..<count { sum += term(values[start + index * stride]) }
      return sum
    }

    /// Not a number where one of them is not.
    @inline(__always)
    func extreme(_ first: Double, _ isBeyond: (Double, Double) -> Bool) -> Double {
      var result = first
      for index in 0..<count {
        let value = values[start + index * stride]
        if value.isNaN { return .nan }
        if isBeyond(value, result) { result = value }
      }
      return result
    }
  }

  /// A number for each layer, from one of each.
  static func overLayers(_ primitive: Primitive, _ values: [Double]) -> [Double] {
    let count = Double(Swift.max(values.count, 1))
    func all(_ value: Double) -> [Double] { values.map { _ in value } }
    let mean = values.reduce(0, +) / count
    switch primitive {
    case .layersSum: return all(values.reduce(0, +))
    case .layersMean: return all(mean)
    case .layersStd:
      return all((values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot())
    case .layersMax: return all(values.max() ?? 0)
    case .layersMin: return all(values.min() ?? 0)
    case .layersRank:
      let ranks = RankCorrelation.ranks(values)
      return ranks.map { $0 / count }
    case .tailMean:
      var result = values
      var sum = 0.0
      for index in values.indices.reversed() {
        sum += values[index]
        result[index] = sum / Double(values.count - index)
      }
      return result
    default: return values
    }
  }
}
