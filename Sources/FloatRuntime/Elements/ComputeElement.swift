import Glibc
import Tensors

/// A type that arithmetic runs in: `Float`, `Double`, `Int64` or `UInt64`.
///
/// The other element types are widened to one of them and narrowed again; integers wrap, so that
/// wide arithmetic followed by truncation equals arithmetic in the narrow type.
protocol ComputeElement: TensorElement, Comparable {
  static var zero: Self { get }
  static var one: Self { get }
  /// The identity of `smaller`: infinity, or the largest integer.
  static var top: Self { get }
  /// The identity of `larger`: minus infinity, or the smallest integer.
  static var bottom: Self { get }
  init(truncating value: Int)
  /// Integers truncate and clamp; NaN is zero.
  init(truncatingReal value: Double)
  static func plus(_ a: Self, _ b: Self) -> Self
  static func minus(_ a: Self, _ b: Self) -> Self
  static func times(_ a: Self, _ b: Self) -> Self
  /// Integers truncate; an integer divided by zero is zero.
  static func quotient(_ a: Self, _ b: Self) -> Self
  static func power(_ a: Self, _ b: Self) -> Self
  /// Remainder with the sign of the divisor, as Python's `%`.
  static func modulo(_ a: Self, _ b: Self) -> Self
  /// Remainder with the sign of the dividend, as C's `fmod`.
  static func remainder(_ a: Self, _ b: Self) -> Self
  /// A NaN wins.
  static func smaller(_ a: Self, _ b: Self) -> Self
  static func larger(_ a: Self, _ b: Self) -> Self
  static func magnitude(_ x: Self) -> Self
  static func negated(_ x: Self) -> Self
  static func signum(_ x: Self) -> Self
  var asDouble: Double { get }
}

/// A floating-point type that arithmetic runs in.
protocol FloatElement: ComputeElement, BinaryFloatingPoint {
  static func exp(_ x: Self) -> Self
  static func expm1(_ x: Self) -> Self
  static func log(_ x: Self) -> Self
  static func log1p(_ x: Self) -> Self
  static func sin(_ x: Self) -> Self
  static func cos(_ x: Self) -> Self
  static func tan(_ x: Self) -> Self
  static func asin(_ x: Self) -> Self
  static func acos(_ x: Self) -> Self
  static func atan(_ x: Self) -> Self
  static func sinh(_ x: Self) -> Self
  static func cosh(_ x: Self) -> Self
  static func tanh(_ x: Self) -> Self
  static func asinh(_ x: Self) -> Self
  static func acosh(_ x: Self) -> Self
  static func atanh(_ x: Self) -> Self
  static func erf(_ x: Self) -> Self
}

extension ComputeElement where Self: BinaryFloatingPoint {
  static var one: Self { 1 }
  static var top: Self { .infinity }
  static var bottom: Self { -.infinity }
  init(truncating value: Int) { self = Self(value) }
  init(truncatingReal value: Double) { self = Self(value) }
  static func plus(_ a: Self, _ b: Self) -> Self { a + b }
  static func minus(_ a: Self, _ b: Self) -> Self { a - b }
  static func times(_ a: Self, _ b: Self) -> Self { a * b }
  static func quotient(_ a: Self, _ b: Self) -> Self { a / b }
  static func modulo(_ a: Self, _ b: Self) -> Self {
    let rest = remainder(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }
  static func remainder(_ a: Self, _ b: Self) -> Self { a.truncatingRemainder(dividingBy: b) }
  static func smaller(_ a: Self, _ b: Self) -> Self { a < b || a != a ? a : b }
  static func larger(_ a: Self, _ b: Self) -> Self { a > b || a != a ? a : b }
  static func magnitude(_ x: Self) -> Self { x.magnitude }
  static func negated(_ x: Self) -> Self { -x }
  static func signum(_ x: Self) -> Self { x > 0 ? 1 : (x < 0 ? -1 : x) }
  var asDouble: Double { Double(self) }
}

extension ComputeElement where Self: FixedWidthInteger {
  static var one: Self { 1 }
  static var top: Self { .max }
  static var bottom: Self { .min }
  init(truncating value: Int) { self = Self(truncatingIfNeeded: value) }
  init(truncatingReal value: Double) {
    let clamped: Self = value < 0 ? .min : .max
    self = value.isNaN ? 0 : Self(exactly: value.rounded(.towardZero)) ?? clamped
  }
  static func plus(_ a: Self, _ b: Self) -> Self { a &+ b }
  static func minus(_ a: Self, _ b: Self) -> Self { a &- b }
  static func times(_ a: Self, _ b: Self) -> Self { a &* b }
  static func quotient(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
  }
  static func power(_ a: Self, _ b: Self) -> Self {
    if b < 0 {
      if a == 1 { return 1 }
      return a == 0 || magnitude(a) != 1 ? 0 : (b & 1 == 0 ? 1 : a)
    }
    var result: Self = 1
    var base = a
    var exponent = b
    while exponent > 0 {
      if exponent & 1 == 1 { result = result &* base }
      base = base &* base
      exponent >>= 1
    }
    return result
  }
  static func modulo(_ a: Self, _ b: Self) -> Self {
    let rest = remainder(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? rest &+ b : rest
  }
  static func remainder(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
  }
  static func smaller(_ a: Self, _ b: Self) -> Self { a < b ? a : b }
  static func larger(_ a: Self, _ b: Self) -> Self { a > b ? a : b }
  static func magnitude(_ x: Self) -> Self { x < 0 ? 0 &- x : x }
  static func negated(_ x: Self) -> Self { 0 &- x }
  static func signum(_ x: Self) -> Self { x > 0 ? 1 : (x < 0 ? 0 &- 1 : 0) }
  var asDouble: Double { Double(self) }
}

extension Int64: ComputeElement {}
extension UInt64: ComputeElement {}

extension Float: FloatElement {
  static func power(_ a: Float, _ b: Float) -> Float { powf(a, b) }
  static func exp(_ x: Float) -> Float { expf(x) }
  static func expm1(_ x: Float) -> Float { expm1f(x) }
  static func log(_ x: Float) -> Float { logf(x) }
  static func log1p(_ x: Float) -> Float { log1pf(x) }
  static func sin(_ x: Float) -> Float { sinf(x) }
  static func cos(_ x: Float) -> Float { cosf(x) }
  static func tan(_ x: Float) -> Float { tanf(x) }
  static func asin(_ x: Float) -> Float { asinf(x) }
  static func acos(_ x: Float) -> Float { acosf(x) }
  static func atan(_ x: Float) -> Float { atanf(x) }
  static func sinh(_ x: Float) -> Float { sinhf(x) }
  static func cosh(_ x: Float) -> Float { coshf(x) }
  static func tanh(_ x: Float) -> Float { tanhf(x) }
  static func asinh(_ x: Float) -> Float { asinhf(x) }
  static func acosh(_ x: Float) -> Float { acoshf(x) }
  static func atanh(_ x: Float) -> Float { atanhf(x) }

  static func erf(_ x: Float) -> Float { erff(x) }
}

extension Double: FloatElement {
  static func power(_ a: Double, _ b: Double) -> Double { Glibc.pow(a, b) }
  static func exp(_ x: Double) -> Double { Glibc.exp(x) }
  static func expm1(_ x: Double) -> Double { Glibc.expm1(x) }
  static func log(_ x: Double) -> Double { Glibc.log(x) }
  static func log1p(_ x: Double) -> Double { Glibc.log1p(x) }
  static func sin(_ x: Double) -> Double { Glibc.sin(x) }
  static func cos(_ x: Double) -> Double { Glibc.cos(x) }
  static func tan(_ x: Double) -> Double { Glibc.tan(x) }
  static func asin(_ x: Double) -> Double { Glibc.asin(x) }
  static func acos(_ x: Double) -> Double { Glibc.acos(x) }
  static func atan(_ x: Double) -> Double { Glibc.atan(x) }
  static func sinh(_ x: Double) -> Double { Glibc.sinh(x) }
  static func cosh(_ x: Double) -> Double { Glibc.cosh(x) }
  static func tanh(_ x: Double) -> Double { Glibc.tanh(x) }
  static func asinh(_ x: Double) -> Double { Glibc.asinh(x) }
  static func acosh(_ x: Double) -> Double { Glibc.acosh(x) }
  static func atanh(_ x: Double) -> Double { Glibc.atanh(x) }
  static func erf(_ x: Double) -> Double { Glibc.erf(x) }
}
