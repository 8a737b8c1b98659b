import GraphIR
import Parallelism
import Tensors

/// A function of one floating-point number.
protocol FloatFunction: Sendable {
  func apply<T: FloatElement>(_ x: T) -> T
  /// The kernel that does it for whole arrays; nil where there is none.
  var kernel: VectorKernel? { get }
}

/// A function of every element of an array.
typealias VectorKernel =
  @convention(c) (
    UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?
  ) -> Void

extension FloatFunction {
  var kernel: VectorKernel? { nil }
}

/// A function of one number of any compute type.
protocol NumericFunction: Sendable {
  func apply<T: ComputeElement>(_ x: T) -> T
}

struct FloatMap<Function: FloatFunction, T: FloatElement>: ElementMap {
  let function: Function
  func apply(_ x: T) -> T { function.apply(x) }

  func apply(_ source: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int) {
    if let kernel = function.kernel, T.self == Float.self {
      UnsafeRawPointer(source).withMemoryRebound(to: Float.self, capacity: count) { source in
        UnsafeMutableRawPointer(out).withMemoryRebound(to: Float.self, capacity: count) { out in
          kernel(source, count, out)
        }
      }
      return
    }
    for index in 0..<count { out[index] = function.apply(source[index]) }
  }
}

struct NumericMap<Function: NumericFunction, T: ComputeElement>: ElementMap {
  let function: Function
  func apply(_ x: T) -> T { function.apply(x) }
}

/// Elementwise functions of one input without attributes.
enum UnaryOperators {
  static let definitions: [OperatorDefinition] = [
    numeric("Abs", Magnitude()), numeric("Neg", Negate()), numeric("Sign", Signum()),
    define("Ceil", Ceil()), define("Floor", Floor()), define("Round", Round()),
    define("Sqrt", Sqrt()), define("Reciprocal", Reciprocal()), define("Exp", Exp()),
    define("Log", Log()), define("Erf", Erf()), define("Sin", Sin()), define("Cos", Cos()),
    define("Tan", Tan()), define("Asin", Asin()), define("Acos", Acos()),
    define("Atan", Atan()), define("Sinh", Sinh()), define("Cosh", Cosh()),
    define("Tanh", Tanh()), define("Asinh", Asinh()), define("Acosh", Acosh()),
    define("Atanh", Atanh()),
  ]

  static func define<Function: FloatFunction>(
    _ name: String, _ function: Function
  ) -> OperatorDefinition {
    .unary(name) { x, inputs, context in try float(function, x, inputs, context.pool) }
  }

  private static func numeric<Function: NumericFunction>(
    _ name: String, _ function: Function
  ) -> OperatorDefinition {
    .unary(name) { x, inputs, context in try number(function, x, inputs, context.pool) }
  }

  /// Applies a function in `Float` or `Double`.
  static func float<Function: FloatFunction>(
    _ function: Function, _ x: Tensor, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    let wide = try inputs.widenedFloat(x)
    let result =
      wide.elementType == .float64
      ? Elementwise.map(FloatMap<Function, Double>(function: function), wide, pool: pool)
      : Elementwise.map(FloatMap<Function, Float>(function: function), wide, pool: pool)
    return result.narrowed(to: x.elementType)
  }

  /// Applies a function in any compute type.
  static func number<Function: NumericFunction>(
    _ function: Function, _ x: Tensor, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    let wide = try inputs.widened(x)
    let result =
      switch wide.elementType {
      case .float32:
        Elementwise.map(NumericMap<Function, Float>(function: function), wide, pool: pool)
      case .float64:
        Elementwise.map(NumericMap<Function, Double>(function: function), wide, pool: pool)
      case .uint64:
        Elementwise.map(NumericMap<Function, UInt64>(function: function), wide, pool: pool)
      default:
        Elementwise.map(NumericMap<Function, Int64>(function: function), wide, pool: pool)
      }
    return result.narrowed(to: x.elementType)
  }

  struct Magnitude: NumericFunction {
    func apply<T: ComputeElement>(_ x: T) -> T { .magnitude(x) }
  }
  struct Negate: NumericFunction {
    func apply<T: ComputeElement>(_ x: T) -> T { .negated(x) }
  }
  struct Signum: NumericFunction {
    func apply<T: ComputeElement>(_ x: T) -> T { .signum(x) }
  }
  struct Ceil: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x.rounded(.up) }
  }
  struct Floor: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x.rounded(.down) }
  }
  struct Round: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x.rounded(.toNearestOrEven) }
  }
  struct Sqrt: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { x.squareRoot() }
  }
  struct Reciprocal: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { 1 / x }
  }
  struct Exp: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .exp(x) }
    var kernel: VectorKernel? { KernelSet.best.table.pointee.exponential }
  }
  struct Log: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .log(x) }
  }
  struct Erf: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .erf(x) }
    var kernel: VectorKernel? { KernelSet.best.table.pointee.error_function }
  }
  struct Sin: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .sin(x) }
  }
  struct Cos: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .cos(x) }
  }
  struct Tan: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .tan(x) }
  }
  struct Asin: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .asin(x) }
  }
  struct Acos: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .acos(x) }
  }
  struct Atan: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .atan(x) }
  }
  struct Sinh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .sinh(x) }
  }
  struct Cosh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .cosh(x) }
  }
  struct Tanh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .tanh(x) }
  }
  struct Asinh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .asinh(x) }
  }
  struct Acosh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .acosh(x) }
  }
  struct Atanh: FloatFunction {
    func apply<T: FloatElement>(_ x: T) -> T { .atanh(x) }
  }
}
