import GraphIR
import Parallelism
import Tensors

/// Add, Sub, Mul, Div, Pow, Mod, and Min, Max, Sum, Mean of any number of inputs.
enum ArithmeticOperators {
  static let definitions: [OperatorDefinition] = [
    binary("Add", Add()), binary("Sub", Subtract()), binary("Mul", Multiply()),
    binary("Div", Divide()), variadic("Sum", Add()), variadic("Max", Larger()),
    variadic("Min", Smaller()), mean, modulo, power,
  ]

  static func binary<Op: Arithmetic>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { _ in
      { inputs, context in
        [try calculate(op, inputs.tensor(0), inputs.tensor(1), inputs, context.pool)]
      }
    }
  }

  private static func variadic<Op: Arithmetic>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { _ in { inputs, context in [try fold(op, inputs, context.pool)] } }
  }

  private static func fold<Op: Arithmetic>(
    _ op: Op, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    var result = try inputs.tensor(0)
    for index in 1..<max(inputs.count, 1) {
      result = try calculate(op, result, inputs.tensor(index), inputs, pool)
    }
    return result
  }

  private static let mean = OperatorDefinition.tensors("Mean") { _ in
    { inputs, context in
      let sum = try fold(Add(), inputs, context.pool)
      let count = try inputs.converted(Tensor(scalar: Int64(inputs.count)), to: sum.elementType)
      return [try calculate(Divide(), sum, count, inputs, context.pool)]
    }
  }

  private static let modulo = OperatorDefinition.tensors("Mod") { node in
    let truncated = try node.flag("fmod", default: false)
    return { inputs, context in
      let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
      return [
        truncated
          ? try calculate(Remainder(), a, b, inputs, context.pool)
          : try calculate(Modulo(), a, b, inputs, context.pool)
      ]
    }
  }

  private static let power = OperatorDefinition.tensors("Pow") { _ in
    { inputs, context in
      let (base, exponent) = (try inputs.tensor(0), try inputs.tensor(1))
      let type = base.elementType
      if exponent.count == 1, exponent.rank <= base.rank, type.isFloatingPoint {
        let value = try inputs.converted(exponent, to: .float64).elements(of: Double.self)[0]
        if value == 2 { return [try UnaryOperators.float(Square(), base, inputs, context.pool)] }
        if value == 0.5 {
          return [try UnaryOperators.float(UnaryOperators.Sqrt(), base, inputs, context.pool)]
        }
      }
      // An integer base with a real exponent is computed in double and truncated.
      let common: ElementType =
        type.isInteger && exponent.elementType.isFloatingPoint ? .float64 : type
      let result = try calculate(
        Power(), inputs.converted(base, to: common), inputs.converted(exponent, to: common),
        inputs, context.pool)
      return [try inputs.converted(result, to: type)]
    }
  }

  /// Computes in the compute type of the operands, which must be of one type.
  static func calculate<Op: Arithmetic>(
    _ op: Op, _ a: Tensor, _ b: Tensor, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    guard a.elementType == b.elementType else {
      throw inputs.failure("takes one element type, has \(a.elementType) and \(b.elementType)")
    }
    let plan = try inputs.broadcast([a.shape, b.shape])
    let (x, y) = (try inputs.widened(a), try inputs.widened(b))
    let result =
      switch x.elementType {
      case .float32:
        Elementwise.zip(Calculation<Op, Float>(op: op), x, y, plan: plan, pool: pool)
      case .float64:
        Elementwise.zip(Calculation<Op, Double>(op: op), x, y, plan: plan, pool: pool)
      case .uint64:
        Elementwise.zip(Calculation<Op, UInt64>(op: op), x, y, plan: plan, pool: pool)
      default:
        Elementwise.zip(Calculation<Op, Int64>(op: op), x, y, plan: plan, pool: pool)
      }
    return result.narrowed(to: a.elementType)
  }
}

/// A binary operation on every compute type.
protocol Arithmetic: Sendable {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T
}

struct Calculation<Op: Arithmetic, T: ComputeElement>: ElementPair {
  let op: Op
  func apply(_ a: T, _ b: T) -> T { op.apply(a, b) }
}

struct Add: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
}

struct Subtract: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .minus(a, b) }
}

struct Multiply: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .times(a, b) }
}

struct Divide: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .quotient(a, b) }
}

struct Power: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .power(a, b) }
}

struct Modulo: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .modulo(a, b) }
}

struct Remainder: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .remainder(a, b) }
}

struct Larger: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .larger(a, b) }
}

struct Smaller: Arithmetic {
  func apply<T: ComputeElement>(_ a: T, _ b: T) -> T { .smaller(a, b) }
}

struct Square: FloatFunction {
  func apply<T: FloatElement>(_ x: T) -> T { x * x }
}
