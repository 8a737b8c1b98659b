import Tensors

/// Random formulas that are worth a try: relative errors raised to a power, times what layers weigh.
struct FormulaGrammar {
  static let mostParts = 40
  var random: SplitMix64
  var readsMeasurements = false

  /// What takes no more than a forward pass.
  static let cheap: Set<Statistic> = [
    .weights, .error, .feedbackError, .inputPower, .inputMean, .outputPower, .outputError,
    .feedbackOutputError, .step, .bits, .fanIn, .fanOut, .groups, .parameters, .macs, .depth,
    .layers, .isConvolution, .isDepthwise, .isProduct, .gamma,
  ]

  /// What one layer at a time does to the network's outputs.
  static let measured: Set<Statistic> = [
    .measured, .measuredSmooth, .measuredDivergence, .measuredNoise,
  ]

  /// What formulas may be changed to read.
  var readable: Set<Statistic> {
    readsMeasurements ? Self.cheap.union(Self.measured) : Self.cheap
  }

  /// A whole formula.
  mutating func formula() -> String {
    var text = powered(relativeError())
    for _ in 0..<random.weighted([3, 4, 2]) { text += " * \(factor())" }
    if random.draw(5) == 0 { text += " + \(constant()) * \(powered(relativeError()))" }
    return text
  }

  /// Noise over signal of a layer at a width, as a number.
  mutating func relativeError() -> String {
    if readsMeasurements, random.draw(2) == 0 {
      return random.one(of: Self.measured.map(\.rawValue).sorted())
    }
    let reduction = random.one(of: ["sum", "sum", "sum", "mean", "max", "norm"])
    switch random.draw(9) {
    case 0...2: return "\(reduction)(dYG2) / \(reduction)(Y2)"
    case 3...4: return "\(reduction)(dY2) / \(reduction)(Y2)"
    case 5: return "sum(sq(\(random.one(of: ["dW", "dG"])))) / sum(sq(W))"
    case 6: return "sum(sq(\(random.one(of: ["dW", "dG"]))) * X2) / sum(sq(W) * X2)"
    case 7: return "mean(\(random.one(of: ["dY2", "dYG2"])) / (Y2 + \(constant()) * mean(Y2)))"
    default: return "\(random.one(of: ["mean", "max"]))(S) / std(W)"
    }
  }

  /// How much a layer's noise matters, as a number.
  mutating func factor() -> String {
    let size = random.one(of: ["params", "macs", "fan_in", "fan_out", "macs / params"])
    switch random.draw(10) {
    case 0...1: return "(\(size)) ^ \(signedExponent())"
    case 2: return "(1 + \(constant()) * layers_rank(\(size)))"
    case 3: return "(1 + \(constant()) * depth / layers)"
    case 4: return "(1 + \(constant()) * (1 - depth / layers))"
    case 5: return "(1 + \(constant()) * is_depthwise)"
    case 6: return "(1 + \(constant()) * is_product)"
    case 7: return "exp(\(signedExponent()) * gamma / layers)"
    case 8: return "(\(size) / layers_mean(\(size))) ^ \(signedExponent())"
    default: return "exp(\(signedExponent()) * b)"
    }
  }

  mutating func powered(_ text: String) -> String {
    random.draw(3) == 0
      ? "(\(text))" : "(\(text)) ^ \(random.one(of: [0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5]))"
  }

  mutating func constant() -> String {
    "\(random.one(of: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10] as [Double]))"
  }

  private mutating func signedExponent() -> String {
    let size = random.one(of: [0.05, 0.1, 0.2, 0.25, 0.33, 0.5])
    return random.draw(2) == 0 ? "\(size)" : "(-\(size))"
  }
}

extension Expression {
  /// Every part with the way to it from the root.
  var parts: [(path: [Int], part: Expression)] {
    guard case .call(_, let arguments) = self else { return [([], self)] }
    return [([], self)]
      + arguments.enumerated().flatMap { index, argument in
        argument.parts.map { ([index] + $0.path, $0.part) }
      }
  }

  func replacing(_ path: some Collection<Int>, with part: Expression) -> Expression {
    guard let first = path.first, case .call(let primitive, var arguments) = self else {
      return part
    }
    arguments[first] = arguments[first].replacing(path.dropFirst(), with: part)
    return .call(primitive, arguments)
  }
}
