import GraphIR
import Parallelism
import Tensors

/// The Reduce family.
enum ReductionOperators {
  static let definitions: [OperatorDefinition] = [
    define("ReduceSum", SumReduction()), define("ReduceMean", MeanReduction()),
    define("ReduceProd", ProductReduction()), define("ReduceMax", MaxReduction()),
    define("ReduceMin", MinReduction()), define("ReduceSumSquare", SumSquareReduction()),
    define("ReduceL1", AbsoluteReduction()), define("ReduceL2", EuclideanReduction()),
    define("ReduceLogSum", LogSumReduction()), logSumExp,
  ]

  private static func define<Op: Reduction>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { node in
      let options = try Options(node)
      return { inputs, context in
        let x = try inputs.tensor(0)
        let axes = try options.axes(inputs, rank: x.rank)
        let (wide, plan) = (try inputs.widened(x), Plan(x.shape, axes, options.keepDimensions))
        let result = reduce(op, wide, plan, context.pool)
        return [
          (plan.count == 0 ? clamped(result, x.elementType) : result)
            .narrowed(to: x.elementType)
        ]
      }
    }
  }

  /// The extremes of the compute type, which are the results for empty rows, as extremes of `type`.
  private static func clamped(_ wide: Tensor, _ type: ElementType) -> Tensor {
    guard wide.elementType == .int64, let range = type == .bool ? 0...1 : type.integerRange else {
      return wide
    }
    let values = wide.elements(of: Int64.self).map {
      min(max($0, Int64(range.lowerBound)), Int64(range.upperBound))
    }
    return Tensor(values, shape: wide.shape)
  }

  /// `wide` has a compute type.
  static func reduce<Op: Reduction>(
    _ op: Op, _ wide: Tensor, _ plan: Plan, _ pool: WorkerPool
  ) -> Tensor {
    if let inner = plan.inner, wide.elementType == .float32 {
      return Rows.reduceAcross(
        op, wide, count: plan.count, inner: inner, shape: plan.shape, pool: pool)
    }
    let x = wide.permuted(plan.order)
    func run<T: ComputeElement>(_: T.Type) -> Tensor {
      Rows.reduce(
        op, x, of: T.self, rows: plan.rows, count: plan.count, shape: plan.shape, pool: pool)
    }
    return switch x.elementType {
    case .float32: run(Float.self)
    case .float64: run(Double.self)
    case .uint64: run(UInt64.self)
    default: run(Int64.self)
    }
  }

  /// Shifted by each row's maximum so that no exponential overflows.
  private static let logSumExp = OperatorDefinition.tensors("ReduceLogSumExp") { node in
    let options = try Options(node)
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axes = try options.axes(inputs, rank: x.rank)
      let plan = Plan(x.shape, axes, options.keepDimensions)
      let wide = try inputs.converted(x, to: x.elementType == .float32 ? .float32 : .float64)
        .permuted(plan.order)
      let result =
        wide.elementType == .float64
        ? logSumExp(wide, plan, of: Double.self) : logSumExp(wide, plan, of: Float.self)
      return [try inputs.converted(result, to: x.elementType)]
    }
  }

  private static func logSumExp<T: FloatElement>(_ x: Tensor, _ plan: Plan, of: T.Type) -> Tensor {
    x.withElements(of: T.self) { source in
      Tensor(shape: plan.shape) { (out: UnsafeMutableBufferPointer<T>) in
        for row in 0..<plan.rows {
          let values = source[row * plan.count..<(row + 1) * plan.count]
          let peak = values.reduce(T.bottom) { .larger($0, $1) }
          let shift = peak.isFinite ? peak : 0
          let sum = values.reduce(T.zero) { $0 + .exp($1 - shift) }
          out[row] = .log(sum) + shift
        }
      }
    }
  }

  /// The attributes that all members share.
  struct Options: Sendable {
    let keepDimensions: Bool
    let emptyMeansNone: Bool

    init(_ node: Node) throws {
      keepDimensions = try node.flag("keepdims", default: true)
      emptyMeansNone = try node.flag("noop_with_empty_axes", default: false)
    }

    /// Sorted axes to reduce. Without axes each element is a row of its own, or all are one.
    func axes(_ inputs: OperatorInputs, rank: Int) throws -> [Int] {
      let given = try inputs.integers(1) ?? []
      if given.isEmpty { return emptyMeansNone ? [] : Array(0..<rank) }
      return Set(try given.map { try inputs.axis($0, rank: rank) }).sorted()
    }
  }

  /// Which rows are folded: reduced axes last, `rows` rows of `count` elements.
  struct Plan: Sendable {
    let order: [Int]
    let rows: Int
    let count: Int
    let shape: [Int]
    /// Elements after the reduced axes, where these lie side by side before others.
    let inner: Int?

    init(_ input: [Int], _ axes: [Int], _ keepDimensions: Bool) {
      let kept = input.indices.filter { !axes.contains($0) }
      order = kept + axes
      rows = Tensor.count(of: kept.map { input[$0] })
      count = Tensor.count(of: axes.map { input[$0] })
      shape =
        keepDimensions
        ? input.indices.map { axes.contains($0) ? 1 : input[$0] } : kept.map { input[$0] }
      if let first = axes.first, let last = axes.last, last - first + 1 == axes.count,
        last + 1 < input.count, rows > 0, count > 0
      {
        inner = Tensor.count(of: Array(input[(last + 1)...]))
      } else {
        inner = nil
      }
    }
  }
}

private struct MeanReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
  func finish<T: ComputeElement>(_ total: T, count: Int) -> T {
    .quotient(total, T(truncating: count))
  }
}

private struct ProductReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .one }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .times(a, b) }
}

private struct MinReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .top }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .smaller(a, b) }
}

private struct AbsoluteReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func map<T: ComputeElement>(_ x: T) -> T { .magnitude(x) }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
}

private struct EuclideanReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func map<T: ComputeElement>(_ x: T) -> T { .times(x, x) }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
  func finish<T: ComputeElement>(_ total: T, count: Int) -> T {
    T(truncatingReal: total.asDouble.squareRoot())
  }
}

private struct LogSumReduction: Reduction {
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
  func finish<T: ComputeElement>(_ total: T, count: Int) -> T {
    T(truncatingReal: Double.log(total.asDouble))
  }
}
