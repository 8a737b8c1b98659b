public import Quantization

/// Evaluates formulas on the facts of a network: pure, in time and memory that the formula's limits
/// and the network's size bound. What formulas read off the data stays with the facts.
public final class ProxyEvaluation {
  private let facts: NetworkFacts
  /// Statistics over the layers, which are computed for all at once.
  private var statistics: [NetworkFacts.Part: Double] = [:]
  /// Factors of the layers, by what they are fitted to.
  private var factors: [Expression: [Double]] = [:]

  public init(_ facts: NetworkFacts) { self.facts = facts }

  /// The damage of every layer at every width that it has a form for. Throws where a number that
  /// the formula reduces to is not finite.
  public func sensitivities(_ formula: Expression) throws -> SensitivityTable {
    let canonical = formula.canonical
    return SensitivityTable(
      layers: try facts.layers.indices.map { index in
        var damage: [Int: Double] = [:]
        for bits in facts.layers[index].forms.keys.sorted() {
          damage[bits] = try number(canonical, layer: index, bits: bits)
        }
        return .init(name: facts.layers[index].name, damage: damage)
      })
  }

  private func number(_ expression: Expression, layer: Int, bits: Int) throws -> Double {
    if case .number(let value) = expression { return value }
    if case .call(let primitive, let arguments) = expression, primitive.form == .layers {
      return try overLayers(primitive, arguments[0], expression, layer: layer, bits: bits)
    }
    let isRead = expression.isRead
    let part = NetworkFacts.Part(
      expression: expression, layer: layer, bits: isRead && expression.dependsOnBits ? bits : 0)
    if isRead, let known = facts.numbers[part] { return known }
    let value = try evaluate(expression, layer: layer, bits: bits).values[0]
    try checkFinite(value, of: expression, layer: layer, bits: bits)
    if isRead { facts.numbers[part] = value }
    return value
  }

  private func overLayers(
    _ primitive: Primitive, _ argument: Expression, _ expression: Expression, layer: Int, bits: Int
  ) throws -> Double {
    let width = expression.dependsOnBits ? bits : 0
    func part(_ layer: Int) -> NetworkFacts.Part {
      .init(expression: expression, layer: layer, bits: width)
    }
    if let known = statistics[part(layer)] { return known }
    // Devices may not let all layers take a width.
    let members = facts.layers.indices.filter {
      width == 0 || facts.layers[$0].forms[bits] != nil
    }
    let values = try members.map { try number(argument, layer: $0, bits: bits) }
    for (index, value) in zip(members, Arithmetic.overLayers(primitive, values)) {
      try checkFinite(value, of: expression, layer: index, bits: bits)
      statistics[part(index)] = value
    }
    return statistics[part(layer)] ?? .nan
  }

  private func factors(of expression: Expression) throws -> [Double] {
    if let known = factors[expression] { return known }
    let trials = try facts.planTrials()
    let fit = PlanFit(
      predictions: try trials.map { trial in
        try trial.widths.enumerated().map { try number(expression, layer: $0, bits: $1) }
      }, distances: trials.map(\.distances))
    let found = fit.factors(layers: facts.layers.count)
    factors[expression] = found
    return found
  }

  private func checkFinite(
    _ value: Double, of expression: Expression, layer: Int, bits: Int
  ) throws(ProxyError) {
    guard value.isFinite else {
      throw .notFinite(
        layer: facts.layers[layer].name, bits: bits, part: "\(expression)", value: "\(value)")
    }
  }

  /// A part of any type; scalar parts of it come from `number`.
  private func value(_ expression: Expression, layer: Int, bits: Int) throws -> LayerValue {
    expression.type == .scalar
      ? LayerValue(try number(expression, layer: layer, bits: bits))
      : try evaluate(expression, layer: layer, bits: bits)
  }

  private func evaluate(_ expression: Expression, layer: Int, bits: Int) throws -> LayerValue {
    switch expression {
    case .number(let value): return LayerValue(value)
    case .statistic(let statistic):
      return try facts.value(statistic, layer: layer, bits: bits)
    case .call(let primitive, let arguments):
      let shape = facts.layers[layer].shape
      let first = try value(arguments[0], layer: layer, bits: bits)
      switch primitive.form {
      case .binary:
        return try arguments.dropFirst().reduce(first) { result, argument in
          LayerValue.elementwise(
            primitive, result, try value(argument, layer: layer, bits: bits), shape: shape)
        }
      case .unary: return LayerValue(first.type, Arithmetic.unary(primitive, first.values))
      case .reshaping: return first.reshaped(primitive, shape: shape)
      case .reduction: return first.reduced(primitive)
      case .rowReduction: return first.rowReduced(primitive, shape: shape)
      case .columnReduction: return first.columnReduced(primitive, shape: shape)
      case .product:
        let second = try value(arguments[1], layer: layer, bits: bits)
        return LayerValue.elementwise(.multiply, first, second, shape: shape)
          .rowReduced(.rowSum, shape: shape)
      case .layers: return LayerValue(try number(expression, layer: layer, bits: bits))
      case .plans:
        return LayerValue(try factors(of: arguments[0])[layer] * first.values[0])
      }
    }
  }
}
