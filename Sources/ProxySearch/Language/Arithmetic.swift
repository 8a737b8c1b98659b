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
    var (sum, squares, magnitudes) = (0.0, 0.0, 0.0)
    var (low, high) = (Double.infinity, -Double.infinity)
    var index = start
    for _ in 0..<count {
      let value = values[index]
      index += stride
      sum += value
      squares += value * value
      magnitudes += Swift.abs(value)
      if value < low { low = value }
      if value > high { high = value }
    }
    let total = Double(Swift.max(count, 1))
    switch primitive {
    case .sum, .rowSum, .columnSum: return sum
    case .mean, .rowMean, .columnMean: return sum / total
    case .norm, .rowNorm, .columnNorm: return squares.squareRoot()
    case .l1: return magnitudes / total
    case .min: return sum.isNaN ? .nan : low
    case .max, .rowMax, .columnMax: return sum.isNaN ? .nan : high
    case .std:
      let mean = sum / total
      var variance = 0.0
      index = start
      for _ in 0..<count {
        variance += (values[index] - mean) * (values[index] - mean)
        index += stride
      }
      return (variance / total).squareRoot()
    default: return sum
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
