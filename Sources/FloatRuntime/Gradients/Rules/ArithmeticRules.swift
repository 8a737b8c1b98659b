import GraphIR
import Tensors

/// Arithmetic of broadcast operands: an operand that was repeated gets the sum.
enum ArithmeticRules {
  static let definitions: [BackwardDefinition] = [
    BackwardDefinition("Add") { _ in { step in try everyInput(step) { g, _ in g } } },
    BackwardDefinition("Sum") { _ in { step in try everyInput(step) { g, _ in g } } },
    BackwardDefinition("Max") { _ in extreme },
    BackwardDefinition("Min") { _ in extreme },
    BackwardDefinition("Sub") { _ in
      { step in
        try everyInput(step) { g, index in
          index == 0 ? g : try step.zip(ScaledPair(factor: -1), g, Tensor(scalar: Float(1)))
        }
      }
    },
    BackwardDefinition("Mul") { _ in
      { step in
        try everyInput(step) { g, index in
          try step.zip(ProductPair(), g, step.inputs.floats(1 - index))
        }
      }
    },
    BackwardDefinition("Div") { _ in
      { step in
        let divisor = try step.inputs.floats(1)
        return try everyInput(step) { g, index in
          let quotient = try step.zip(QuotientPair(), g, divisor)
          return index == 0
            ? quotient : try step.zip(ScaledPair(factor: -1), quotient, step.output())
        }
      }
    },
    BackwardDefinition("Pow") { _ in
      { step in
        let (x, exponent) = (
          try step.inputs.floats(0),
          try step.inputs.converted(
            step.inputs.tensor(1), to: .float32)
        )
        return try everyInput(step) { g, index in
          index == 0
            ? try step.zip(ProductPair(), g, step.zip(PowerSlope(), x, exponent))
            : try step.zip(
              ProductPair(), g, step.zip(LogarithmProduct(), step.output(), x))
        }
      }
    },
    BackwardDefinition("Where") { _ in
      { step in
        let (g, zero) = (try step.gradient(), Tensor(scalar: Float(0)))
        let condition = try step.inputs.tensor(0)
        return try [1, 2].reduce(into: [nil]) { result, index in
          guard step.isWanted(index) else { return result.append(nil) }
          let part = try step.run([condition, index == 1 ? g : zero, index == 1 ? zero : g])[0]
          result.append(step.summed(part, to: try step.inputs.tensor(index).shape))
        }
      }
    },
  ]

  /// What equals the result gets the gradient.
  @Sendable private static func extreme(_ step: BackwardStep) throws -> [Tensor?] {
    let y = try step.output()
    return try everyInput(step) { g, index in
      try step.zip(ProductPair(), g, step.zip(EqualPair(), y, step.inputs.floats(index)))
    }
  }

  private static func everyInput(
    _ step: BackwardStep, _ part: (Tensor, Int) throws -> Tensor
  ) throws -> [Tensor?] {
    let gradient = try step.gradient()
    return try step.wanted.indices.map { index in
      guard step.wanted[index] else { return nil }
      return step.summed(
        try part(gradient, index), to: try step.inputs.floats(index).shape)
    }
  }
}

private struct ScaledPair: ElementPair {
  let factor: Float
  func apply(_ a: Float, _ b: Float) -> Float { factor * a * b }
}

private struct QuotientPair: ElementPair {
  func apply(_ a: Float, _ b: Float) -> Float { a / b }
}

private struct EqualPair: ElementPair {
  func apply(_ a: Float, _ b: Float) -> Float { a == b ? 1 : 0 }
}

private struct PowerSlope: ElementPair {
  func apply(_ x: Float, _ p: Float) -> Float { p == 2 ? 2 * x : p * .power(x, p - 1) }
}

/// `y log x`, 0 where x is not positive.
private struct LogarithmProduct: ElementPair {
  func apply(_ y: Float, _ x: Float) -> Float { x > 0 ? y * .log(x) : 0 }
}
