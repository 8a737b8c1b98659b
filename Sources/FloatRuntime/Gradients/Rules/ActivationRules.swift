import GraphIR
import Tensors

/// Functions of one element.
enum ActivationRules {
  static let definitions: [BackwardDefinition] = [
    ofOutput("Relu", ReluSlope()), ofOutput("Sigmoid", SigmoidSlope()),
    ofOutput("Tanh", TanhSlope()), ofOutput("Exp", ProductPair()),
    ofOutput("Sqrt", SqrtSlope()), ofOutput("Reciprocal", ReciprocalSlope()),
    ofInput("Log", LogSlope()), ofInput("Neg", NegativeSlope()), ofInput("Abs", AbsoluteSlope()),
    ofInput("Erf", ErfSlope()), ofInput("HardSwish", HardSwishSlope()),
    ofInput("Softplus", SoftplusSlope()), ofInput("Sin", SineSlope()),
    ofInput("Cos", CosineSlope()),
    BackwardDefinition("LeakyRelu") { node in
      let alpha = try node.float("alpha") ?? 0.01
      return { [try $0.zip(LeakySlope(alpha: alpha), $0.gradient(), $0.inputs.floats(0))] }
    },
    BackwardDefinition("Elu") { node in
      let alpha = try node.float("alpha") ?? 1
      return { [try $0.zip(EluSlope(alpha: alpha), $0.gradient(), $0.inputs.floats(0))] }
    },
    BackwardDefinition("HardSigmoid") { node in
      let slope = BoundedSlope(factor: try node.float("alpha") ?? 0.2, low: 0, high: 1)
      return { step in [try step.zip(slope, step.gradient(), step.output())] }
    },
    BackwardDefinition("Clip") { _ in
      { step in
        let slope = BoundedSlope(
          factor: 1, low: Float(try step.inputs.number(1) ?? -.infinity),
          high: Float(try step.inputs.number(2) ?? .infinity))
        return [try step.zip(slope, step.gradient(), step.inputs.floats(0)), nil, nil]
      }
    },
    BackwardDefinition("Gelu") { node in
      let isTanh = try node.string("approximate") == "tanh"
      return { step in
        let (g, x) = (try step.gradient(), try step.inputs.floats(0))
        return [isTanh ? try step.zip(TanhGeluSlope(), g, x) : try step.zip(GeluSlope(), g, x)]
      }
    },
    BackwardDefinition("PRelu") { _ in
      { step in
        let (g, x) = (try step.gradient(), try step.inputs.floats(0))
        let slope = try step.inputs.floats(1)
        let negative = try step.zip(NegativePart(), g, x)
        let scaled = try step.zip(ProductPair(), negative, slope)
        let share = try step.zip(ProductPair(), negative, x)
        return [
          try step.zip(ReluSlope(), g, x).plus(scaled, pool: step.pool),
          step.summed(share, to: slope.shape),
        ]
      }
    },
  ]

  private static func ofInput<Pair: ElementPair>(
    _ name: String, _ slope: Pair
  ) -> BackwardDefinition {
    BackwardDefinition(name) { _ in
      { [try $0.zip(slope, $0.gradient(), $0.inputs.floats(0))] }
    }
  }

  private static func ofOutput<Pair: ElementPair>(
    _ name: String, _ slope: Pair
  ) -> BackwardDefinition {
    BackwardDefinition(name) { _ in { [try $0.zip(slope, $0.gradient(), $0.output())] } }
  }
}

private struct ReluSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { y > 0 ? g : 0 }
}

private struct NegativePart: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { x > 0 ? 0 : g }
}

private struct SigmoidSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { g * y * (1 - y) }
}

private struct TanhSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { g * (1 - y * y) }
}

private struct SqrtSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { g / (2 * y) }
}

private struct ReciprocalSlope: ElementPair {
  func apply(_ g: Float, _ y: Float) -> Float { -g * y * y }
}

private struct LogSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { g / x }
}

private struct NegativeSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { -g }
}

private struct AbsoluteSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { x > 0 ? g : x < 0 ? -g : 0 }
}

private struct ErfSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { g * 1.128_379_17 * .exp(-x * x) }
}

private struct HardSwishSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { x <= -3 ? 0 : x >= 3 ? g : g * (x / 3 + 0.5) }
}

private struct SoftplusSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { g / (1 + .exp(-x)) }
}

private struct SineSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { g * .cos(x) }
}

private struct CosineSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float { -g * .sin(x) }
}

private struct LeakySlope: ElementPair {
  let alpha: Float
  func apply(_ g: Float, _ x: Float) -> Float { x < 0 ? alpha * g : g }
}

private struct EluSlope: ElementPair {
  let alpha: Float
  func apply(_ g: Float, _ x: Float) -> Float { x < 0 ? g * alpha * .exp(x) : g }
}

/// The slope of what is linear strictly between two values, constant outside.
private struct BoundedSlope: ElementPair {
  let factor: Float
  let low: Float
  let high: Float
  func apply(_ g: Float, _ x: Float) -> Float { x > low && x < high ? factor * g : 0 }
}

private struct GeluSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float {
    let density = 0.398_942_28 * Float.exp(-0.5 * x * x)
    return g * (0.5 * (1 + .erf(x * 0.707_106_78)) + x * density)
  }
}

private struct TanhGeluSlope: ElementPair {
  func apply(_ g: Float, _ x: Float) -> Float {
    let inner = 0.797_884_56 * (x + 0.044_715 * x * x * x)
    let t = Float.tanh(inner)
    let slope = 0.797_884_56 * (1 + 3 * 0.044_715 * x * x)
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)
  }
}
