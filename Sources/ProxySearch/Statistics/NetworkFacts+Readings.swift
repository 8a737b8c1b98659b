extension NetworkFacts {
  /// Numbers that formulas have read off the data: by formula, layer name, and bits, which are 0 where
  /// the number does not depend on them.
  public typealias Readings = [String: [String: [Int: Double]]]

  /// All so far, to be kept for another run.
  public var readings: Readings {
    numbers.reduce(into: [:]) { result, entry in
      let part = entry.key
      result["\(part.expression)", default: [:]][layers[part.layer].name, default: [:]][part.bits] =
        entry.value
    }
  }

  /// Adds what another run has read off the same data; what is no formula of one of the layers is left
  /// out.
  public func add(_ readings: Readings) {
    let positions = Dictionary(
      layers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    for (text, byLayer) in readings {
      guard let expression = try? FormulaParser.parse(text).canonical, expression.isRead else {
        continue
      }
      for (name, byBits) in byLayer {
        guard let layer = positions[name] else { continue }
        for (bits, value) in byBits where value.isFinite {
          numbers[Part(expression: expression, layer: layer, bits: bits)] = value
        }
      }
    }
  }
}
