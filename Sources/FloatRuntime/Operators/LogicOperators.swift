import GraphIR
import Parallelism
import Tensors

/// Comparisons, boolean logic, bitwise logic, shifts and tests for special values.
enum LogicOperators {
  static let definitions: [OperatorDefinition] = [
    equal, relation("Greater", Greater()), relation("GreaterOrEqual", GreaterOrEqual()),
    relation("Less", Less()), relation("LessOrEqual", LessOrEqual()),
    boolean("And", And()), boolean("Or", Or()), boolean("Xor", Xor()), not,
    bitwise("BitwiseAnd", BitAnd()), bitwise("BitwiseOr", BitOr()),
    bitwise("BitwiseXor", BitXor()), bitwiseNot, bitShift, isNaN, isInfinite,
  ]

  private static func relation<Op: Relation>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { _ in
      { inputs, context in
        [try compare(op, inputs.tensor(0), inputs.tensor(1), inputs, context.pool)]
      }
    }
  }

  private static func compare<Op: Relation>(
    _ op: Op, _ a: Tensor, _ b: Tensor, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    guard a.elementType == b.elementType else {
      throw inputs.failure("takes one element type, has \(a.elementType) and \(b.elementType)")
    }
    let plan = try inputs.broadcast([a.shape, b.shape])
    let (x, y) = (try inputs.widened(a), try inputs.widened(b))
    return switch x.elementType {
    case .float32: Elementwise.zip(Comparison<Op, Float>(op: op), x, y, plan: plan, pool: pool)
    case .float64: Elementwise.zip(Comparison<Op, Double>(op: op), x, y, plan: plan, pool: pool)
    case .uint64: Elementwise.zip(Comparison<Op, UInt64>(op: op), x, y, plan: plan, pool: pool)
    default: Elementwise.zip(Comparison<Op, Int64>(op: op), x, y, plan: plan, pool: pool)
    }
  }

  private static let equal = OperatorDefinition.tensors("Equal") { _ in
    { inputs, context in
      let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
      guard a.elementType == .string, b.elementType == .string else {
        return [try compare(Equal(), a, b, inputs, context.pool)]
      }
      let plan = try inputs.broadcast([a.shape, b.shape])
      var result: [Bool] = []
      plan.forEachRun(in: 0..<plan.count) { _, count, offsets in
        let last = plan.extents.count - 1
        for index in 0..<count {
          result.append(
            a.strings[offsets[0] + index * plan.strides[0][last]]
              == b.strings[offsets[1] + index * plan.strides[1][last]])
        }
      }
      return [Tensor(result, shape: plan.shape)]
    }
  }

  private static func boolean<Op: BooleanFunction>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { _ in
      { inputs, context in
        let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
        try inputs.checkType(a, .bool, input: 0)
        try inputs.checkType(b, .bool, input: 1)
        let plan = try inputs.broadcast([a.shape, b.shape])
        return [Elementwise.zip(BooleanPair(op: op), a, b, plan: plan, pool: context.pool)]
      }
    }
  }

  private static let not = OperatorDefinition.unary("Not") { x, inputs, context in
    try inputs.checkType(x, .bool, input: 0)
    return Elementwise.map(Negation(), x, pool: context.pool)
  }

  private static func bitwise<Op: BitFunction>(_ name: String, _ op: Op) -> OperatorDefinition {
    .tensors(name) { _ in
      { inputs, context in
        [try bits(op, inputs.tensor(0), inputs.tensor(1), inputs, context.pool)]
      }
    }
  }

  /// Works on 64-bit patterns; narrowing drops what the operands' type does not have.
  private static func bits<Op: BitFunction>(
    _ op: Op, _ a: Tensor, _ b: Tensor, _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    guard a.elementType.isInteger, a.elementType == b.elementType else {
      throw inputs.failure("takes integers of one type, has \(a.elementType), \(b.elementType)")
    }
    let plan = try inputs.broadcast([a.shape, b.shape])
    let (x, y) = (try inputs.widened(a), try inputs.widened(b))
    let result =
      x.elementType == .uint64
      ? Elementwise.zip(BitPair<Op, UInt64>(op: op), x, y, plan: plan, pool: pool)
      : Elementwise.zip(BitPair<Op, Int64>(op: op), x, y, plan: plan, pool: pool)
    return result.narrowed(to: a.elementType)
  }

  private static let bitwiseNot = OperatorDefinition.unary("BitwiseNot") { x, inputs, context in
    let ones = try inputs.converted(Tensor(scalar: Int64(-1)), to: x.elementType)
    return try bits(BitXor(), x, ones, inputs, context.pool)
  }

  private enum Direction: String, CaseIterable { case left = "LEFT", right = "RIGHT" }

  private static let bitShift = OperatorDefinition.tensors("BitShift") { node in
    guard try node.string("direction") != nil else {
      throw GraphError.attributeMissing(node: node.label, attribute: "direction")
    }
    let direction = try node.choice("direction", default: Direction.left)
    return { inputs, context in
      let (a, b) = (try inputs.tensor(0), try inputs.tensor(1))
      return [
        direction == .left
          ? try bits(ShiftLeft(), a, b, inputs, context.pool)
          : try bits(ShiftRight(), a, b, inputs, context.pool)
      ]
    }
  }

  private static let isNaN = OperatorDefinition.unary("IsNaN") { x, inputs, context in
    let wide = try inputs.widenedFloat(x)
    return wide.elementType == .float64
      ? Elementwise.map(NaNTest<Double>(), wide, pool: context.pool)
      : Elementwise.map(NaNTest<Float>(), wide, pool: context.pool)
  }

  private static let isInfinite = OperatorDefinition.tensors("IsInf") { node in
    let negative = try node.flag("detect_negative", default: true)
    let positive = try node.flag("detect_positive", default: true)
    return { inputs, context in
      let wide = try inputs.widenedFloat(inputs.tensor(0))
      return [
        wide.elementType == .float64
          ? Elementwise.map(
            InfinityTest<Double>(negative: negative, positive: positive), wide,
            pool: context.pool)
          : Elementwise.map(
            InfinityTest<Float>(negative: negative, positive: positive), wide, pool: context.pool)
      ]
    }
  }
}

/// A relation between two numbers of any compute type.
protocol Relation: Sendable {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool
}

private struct Comparison<Op: Relation, T: ComputeElement>: ElementPair {
  let op: Op
  func apply(_ a: T, _ b: T) -> Bool { op.holds(a, b) }
}

private struct Equal: Relation {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool { a == b }
}
private struct Greater: Relation {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool { a > b }
}
private struct GreaterOrEqual: Relation {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool { a >= b }
}
private struct Less: Relation {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool { a < b }
}
private struct LessOrEqual: Relation {
  func holds<T: ComputeElement>(_ a: T, _ b: T) -> Bool { a <= b }
}

private protocol BooleanFunction: Sendable {
  func apply(_ a: Bool, _ b: Bool) -> Bool
}

private struct BooleanPair<Op: BooleanFunction>: ElementPair {
  let op: Op
  func apply(_ a: RawBool, _ b: RawBool) -> Bool { op.apply(a.isTrue, b.isTrue) }
}

private struct And: BooleanFunction {
  func apply(_ a: Bool, _ b: Bool) -> Bool { a && b }
}
private struct Or: BooleanFunction {
  func apply(_ a: Bool, _ b: Bool) -> Bool { a || b }
}
private struct Xor: BooleanFunction {
  func apply(_ a: Bool, _ b: Bool) -> Bool { a != b }
}
private struct Negation: ElementMap {
  func apply(_ x: RawBool) -> Bool { !x.isTrue }
}

private protocol BitFunction: Sendable {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T
}

private struct BitPair<Op: BitFunction, T: ComputeElement & FixedWidthInteger>: ElementPair {
  let op: Op
  func apply(_ a: T, _ b: T) -> T { op.apply(a, b) }
}

private struct BitAnd: BitFunction {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a & b }
}
private struct BitOr: BitFunction {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a | b }
}
private struct BitXor: BitFunction {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a ^ b }
}
private struct ShiftLeft: BitFunction {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a << b }
}
private struct ShiftRight: BitFunction {
  func apply<T: FixedWidthInteger>(_ a: T, _ b: T) -> T { a >> b }
}

private struct NaNTest<T: FloatElement>: ElementMap {
  func apply(_ x: T) -> Bool { x != x }
}
private struct InfinityTest<T: FloatElement>: ElementMap {
  let negative: Bool
  let positive: Bool
  func apply(_ x: T) -> Bool {
    x == .infinity ? positive : (x == -.infinity ? negative : false)
  }
}
