import GraphIR
import Parallelism
import Tensors

/// Activation functions; formulas from the ONNX operator specification.
enum ActivationOperators {
  static let definitions: [OperatorDefinition] = [
    .unary("Relu") { x, inputs, context in
      try UnaryOperators.number(Relu(), x, inputs, context.pool)
    },
    UnaryOperators.define("Sigmoid", Sigmoid()), UnaryOperators.define("HardSwish", HardSwish()),
    UnaryOperators.define("Mish", Mish()), UnaryOperators.define("Softplus", Softplus()),
    UnaryOperators.define("Softsign", Softsign()),
    define("LeakyRelu") { LeakyRelu(alpha: try $0.float("alpha") ?? 0.01) },
    define("Elu") { Elu(alpha: try $0.float("alpha") ?? 1) },
    define("Selu") {
      Selu(
        alpha: try $0.float("alpha") ?? 1.67326319217681884765625,
        gamma: try $0.float("gamma") ?? 1.05070102214813232421875)
    },
    define("Celu") { Celu(alpha: try $0.float("alpha") ?? 1) },
    define("ThresholdedRelu") { ThresholdedRelu(alpha: try $0.float("alpha") ?? 1) },
    define("HardSigmoid") {
      HardSigmoid(alpha: try $0.float("alpha") ?? 0.2, beta: try $0.float("beta") ?? 0.5)
    },
    define("Swish") { Swish(alpha: try $0.float("alpha") ?? 1) },
    shrink, gelu, clip, prelu,
  ]

  private static func define<Function: FloatFunction>(
    _ name: String, _ make: @escaping @Sendable (Node) throws -> Function
  ) -> OperatorDefinition {
    .tensors(name) { node in
      let function = try make(node)
      return { inputs, context in
        [try UnaryOperators.float(function, inputs.tensor(0), inputs, context.pool)]
      }
    }
  }

  private enum GeluApproximation: String, CaseIterable { case none, tanh }

  private static let gelu = OperatorDefinition.tensors("Gelu") { node in
    let approximation = try node.choice("approximate", default: GeluApproximation.none)
    return { inputs, context in
      let x = try inputs.tensor(0)
      return [
        approximation == .tanh
          ? try UnaryOperators.float(TanhGelu(), x, inputs, context.pool)
          : try UnaryOperators.float(Gelu(), x, inputs, context.pool)
      ]
    }
  }

  /// Shrink also takes integers, for which the function is computed in double.
  private static let shrink = OperatorDefinition.tensors("Shrink") { node in
    let function = Shrink(
      lambda: try node.float("lambd") ?? 0.5, bias: try node.float("bias") ?? 0)
    return { inputs, context in
      let x = try inputs.tensor(0)
      if x.elementType.isFloatingPoint {
        return [try UnaryOperators.float(function, x, inputs, context.pool)]
      }
      let wide = try inputs.converted(x, to: .float64)
      let result = try UnaryOperators.float(function, wide, inputs, context.pool)
      return [try inputs.converted(result, to: x.elementType)]
    }
  }

  private static let clip = OperatorDefinition.tensors("Clip") { _ in
    { inputs, context in
      var x = try inputs.tensor(0)
      // min(max(x, low), high): the upper limit wins where the limits cross.
      if let low = try inputs.optionalTensor(1) {
        x = try ArithmeticOperators.calculate(
          Larger(), x, scalar(low, 1, inputs), inputs, context.pool)
      }
      if let high = try inputs.optionalTensor(2) {
        x = try ArithmeticOperators.calculate(
          Smaller(), x, scalar(high, 2, inputs), inputs, context.pool)
      }
      return [x]
    }
  }

  private static func scalar(_ tensor: Tensor, _ index: Int, _ inputs: OperatorInputs) throws
    -> Tensor
  {
    guard tensor.count == 1 else {
      throw inputs.failure("input \(index) must be a scalar, it has shape \(tensor.shape)")
    }
    return tensor.reshaped(to: [])
  }

  private static let prelu = OperatorDefinition.tensors("PRelu") { _ in
    { inputs, context in
      let (x, slope) = (try inputs.tensor(0), try inputs.tensor(1))
      let plan = try inputs.broadcast([x.shape, slope.shape])
      guard plan.shape == x.shape else {
        throw inputs.failure("slope of shape \(slope.shape) does not fit input \(x.shape)")
      }
      return [try ArithmeticOperators.calculate(Leak(), x, slope, inputs, context.pool)]
    }
  }

  struct Leak: Arithmetic {
    func apply<T: ComputeElement>(_ x: T, _ slope: T) -> T { x < .zero ? .times(x, slope) : x }
  }
  struct Relu: NumericFunction {
    func apply<T: ComputeElement>(_ x: T) -> T { .larger(x, .zero) }
  }
  struct Sigmoid: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { 1 / (1 + .exp(-x)) }
  }
  struct HardSwish: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T {
      x * .larger(.smaller(x * (1 / 6) + 0.5, 1), 0)
    }
  }
  struct Softplus: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .larger(x, 0) + .log1p(.exp(-x.magnitude)) }
  }
  struct Mish: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x * .tanh(Softplus().apply(x)) }
  }
  struct Softsign: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x / (1 + x.magnitude) }
  }
  struct LeakyRelu: FloatFunction {
    let alpha: Float
    func apply<T: FloatElement>(_ x: T) -> T { x < 0 ? T(alpha) * x : x }
  }
  struct Elu: FloatFunction {
    let alpha: Float
    func apply<T: FloatElement>(_ x: T) -> T { x < 0 ? T(alpha) * .expm1(x) : x }
  }
  struct Selu: FloatFunction {
    let alpha: Float
    let gamma: Float
    func apply<T: FloatElement>(_ x: T) -> T {
      x <= 0 ? T(gamma) * T(alpha) * .expm1(x) : T(gamma) * x
    }
  }
  struct Celu: FloatFunction {
    let alpha: Float
    func apply<T: FloatElement>(_ x: T) -> T {
      .larger(x, 0) + .smaller(T(alpha) * .expm1(x / T(alpha)), 0)
    }
  }
  struct ThresholdedRelu: FloatFunction {
    let alpha: Float
    func apply<T: FloatElement>(_ x: T) -> T { x > T(alpha) ? x : 0 }
  }
  struct HardSigmoid: FloatFunction {
    let alpha: Float
    let beta: Float
    func apply<T: FloatElement>(_ x: T) -> T { .larger(.smaller(T(alpha) * x + T(beta), 1), 0) }
  }
  struct Swish: FloatFunction {
    let alpha: Float
    func apply<T: FloatElement>(_ x: T) -> T { x / (1 + .exp(-T(alpha) * x)) }
  }
  struct Shrink: FloatFunction {
    let lambda: Float
    let bias: Float
    func apply<T: FloatElement>(_ x: T) -> T {
      x < -T(lambda) ? x + T(bias) : (x > T(lambda) ? x - T(bias) : 0)
    }
  }
  struct Gelu: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T {
      0.5 * x * (1 + .erf(x * T(0.707106781186547524)))
    }
    var kernel: VectorKernel? {
      { KernelSet.best.table.pointee.gelu($0, $1, Float(2).squareRoot(), $2) }
    }
  }
  struct TanhGelu: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T {
      0.5 * x * (1 + .tanh(T(0.797884560802865356) * (x + T(0.044715) * x * x * x)))
    }
  }
}
