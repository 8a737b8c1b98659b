import Tensors

/// The 8-bit and 4-bit floating-point formats of ONNX with an explicit mantissa.
/// Layout and special values: the table "Float stored in 8 bits" of the ONNX specification.
struct SmallFloat: Sendable {
  let mantissaBits: Int
  let bias: Int
  let signBit: UInt8
  /// The code of the largest finite magnitude.
  let largest: UInt8
  /// The code of infinity where the format has one.
  let infinity: UInt8?
  /// The code of NaN where the format has one; `unsignedZero` formats use minus zero for it.
  let nan: UInt8?
  let unsignedZero: Bool

  init?(_ type: ElementType) {
    switch type {
    case .float8e4m3fn:
      self.init(3, bias: 7, sign: 0x80, largest: 0x7E, infinity: nil, nan: 0x7F, unsigned: false)
    case .float8e4m3fnuz:
      self.init(3, bias: 8, sign: 0x80, largest: 0x7F, infinity: nil, nan: 0x80, unsigned: true)
    case .float8e5m2:
      self.init(2, bias: 15, sign: 0x80, largest: 0x7B, infinity: 0x7C, nan: 0x7F, unsigned: false)
    case .float8e5m2fnuz:
      self.init(2, bias: 16, sign: 0x80, largest: 0x7F, infinity: nil, nan: 0x80, unsigned: true)
    case .float4e2m1:
      self.init(1, bias: 1, sign: 0x08, largest: 0x07, infinity: nil, nan: nil, unsigned: false)
    default: return nil
    }
  }

  private init(
    _ mantissaBits: Int, bias: Int, sign: UInt8, largest: UInt8, infinity: UInt8?, nan: UInt8?,
    unsigned: Bool
  ) {
    self.mantissaBits = mantissaBits
    self.bias = bias
    signBit = sign
    self.largest = largest
    self.infinity = infinity
    self.nan = nan
    unsignedZero = unsigned
  }

  func decode(_ code: UInt8) -> Float {
    let negative = code & signBit != 0
    let magnitude = code & (signBit - 1)
    if unsignedZero, negative, magnitude == 0 { return .nan }
    if magnitude > largest {
      guard magnitude == infinity else { return .nan }
      return negative ? -.infinity : .infinity
    }
    let exponent = Int(magnitude) >> mantissaBits
    let fraction = Int(magnitude) & ((1 << mantissaBits) - 1)
    let value =
      exponent == 0
      ? Float(sign: .plus, exponent: 1 - bias - mantissaBits, significand: Float(fraction))
      : Float(
        sign: .plus, exponent: exponent - bias - mantissaBits,
        significand: Float(fraction + 1 << mantissaBits))
    return negative ? -value : value
  }

  /// Rounds to nearest even. Beyond the range: the largest value where `saturate`, else infinity
  /// or NaN, whichever the format has.
  func encode(_ value: Float, saturate: Bool) -> UInt8 {
    if value.isNaN { return nan ?? signBit }
    let sign: UInt8 = value.sign == .minus ? signBit : 0
    let overflow: UInt8 =
      saturate || (infinity == nil && nan == nil) ? largest : infinity ?? nan ?? largest
    var code: Int
    if value.isInfinite {
      code = Int.max
    } else if value == 0 {
      code = 0
    } else {
      let exponent = max(Int(value.exponent), 1 - bias)
      let quantum = Float(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
      let steps = Int((value.magnitude / quantum).rounded(.toNearestOrEven))
      code = ((exponent + bias - 1) << mantissaBits) + steps
    }
    if code > Int(largest) {
      return unsignedZero && overflow == nan ? overflow : sign | overflow
    }
    return code == 0 && unsignedZero ? 0 : sign | UInt8(code)
  }
}

/// float8e8m0: a power of two, exponent bias 127, NaN 0xFF, no sign and no zero.
enum ScaleFloat {
  enum Rounding: String, CaseIterable, Sendable { case up, down, nearest }

  static func decode(_ code: UInt8) -> Float {
    code == 0xFF ? .nan : Float(sign: .plus, exponent: Int(code) - 127, significand: 1)
  }

  /// The sign is ignored; infinity becomes NaN. `saturate` keeps rounding from overflowing.
  static func encode(_ value: Float, rounding: Rounding, saturate: Bool) -> UInt8 {
    if !value.isFinite { return 0xFF }
    if value == 0 { return 0 }
    let magnitude = value.magnitude
    let significand = magnitude.significand
    let up =
      switch rounding {
      case .up: significand > 1
      case .down: false
      case .nearest: significand >= 1.5
      }
    let code = Int(magnitude.exponent) + 127 + (up ? 1 : 0)
    if code > 0xFE { return saturate ? 0xFE : 0xFF }
    return UInt8(max(code, 0))
  }
}
