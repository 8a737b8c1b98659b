import Glibc
import Tensors

/// A bool byte of a file may hold any value; reading it as `Bool` would be undefined.
struct RawBool: TensorElement {
  let byte: UInt8
  static var elementType: ElementType { .bool }
  var isTrue: Bool { byte != 0 }
}

/// The upper half of a `Float`.
struct BrainFloat: TensorElement {
  let bits: UInt16
  static var elementType: ElementType { .bfloat16 }

  init(_ value: Float) {
    let pattern = value.bitPattern
    bits =
      value.isNaN
      ? 0x7FC0 : UInt16(truncatingIfNeeded: (pattern &+ 0x7FFF &+ ((pattern >> 16) & 1)) >> 16)
  }

  var value: Float { Float(bitPattern: UInt32(bits) << 16) }
}

/// Conversion between element types by the rules of ONNX Cast: floats to integers truncate,
/// integers to narrower integers drop high bits, anything but zero is true.
struct TypeConversion: Sendable {
  var saturate = true
  var rounding = ScaleFloat.Rounding.up

  /// The same values in another type; nil where there is no conversion (complex numbers, strings
  /// that are no numbers).
  func convert(_ tensor: Tensor, to target: ElementType) -> Tensor? {
    if tensor.elementType == target { return tensor }
    if target == .string { return strings(tensor) }
    if tensor.elementType == .string { return parse(tensor, to: target) }
    guard let wide = tensor.widened() else { return nil }
    switch wide.elementType {
    case .float32: return narrow(wide, of: Float.self, to: target)
    case .float64: return narrow(wide, of: Double.self, to: target)
    case .uint64: return narrow(wide, of: UInt64.self, to: target)
    default: return narrow(wide, of: Int64.self, to: target)
    }
  }

  private func narrow<Source: ComputeElement & WideElement>(
    _ tensor: Tensor, of: Source.Type, to target: ElementType
  ) -> Tensor? {
    func map<Result: TensorElement>(_ convert: (Source) -> Result) -> Tensor {
      tensor.withElements(of: Source.self) { source in
        Tensor(shape: tensor.shape) { (out: UnsafeMutableBufferPointer<Result>) in
          for index in source.indices { out[index] = convert(source[index]) }
        }
      }
    }
    switch target {
    case .float32: return map { $0.float }
    case .float64: return map { $0.asDouble }
    case .float16: return map { $0.half }
    case .bfloat16: return map { BrainFloat($0.float) }
    case .bool: return map { $0 != .zero }
    case .int64: return map { $0.wideInteger }
    case .uint64: return map { $0.wideUnsigned }
    case .int32: return map { Source.isFloat ? Int32(clamping: $0.wideInteger) : .init(wrap: $0) }
    case .uint32:
      return map { Source.isFloat ? UInt32(clamping: $0.wideInteger) : .init(wrap: $0) }
    case .int16: return map { Int16(wrap: $0) }
    case .uint16: return map { UInt16(wrap: $0) }
    case .int8: return map { Int8(wrap: $0) }
    case .uint8: return map { UInt8(wrap: $0) }
    case .int4, .uint4, .int2, .uint2:
      return packed(map { UInt8(wrap: $0) }, as: target)
    case .float8e8m0:
      let codes = map { ScaleFloat.encode($0.float, rounding: rounding, saturate: saturate) }
      return retyped(codes, as: target)
    default:
      guard let format = SmallFloat(target) else { return nil }
      let codes = map { format.encode($0.float, saturate: saturate) }
      return target.isSubByte ? packed(codes, as: target) : retyped(codes, as: target)
    }
  }

  private func retyped(_ codes: Tensor, as target: ElementType) -> Tensor {
    Tensor(elementType: target, shape: codes.shape, storage: codes.storage)
  }

  /// Packs the low bits of bytes.
  func packed(_ codes: Tensor, as target: ElementType) -> Tensor? {
    guard let byteCount = target.byteCount(of: codes.count) else { return nil }
    let storage = TensorStorage(byteCount: byteCount)
    let bytes = storage.mutableBytes
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let width = target.bitWidth
    let perByte = 8 / width
    let mask = UInt8((1 << width) - 1)
    for (index, code) in codes.storage.bytes.enumerated() {
      bytes[index / perByte] |= (code & mask) << (index % perByte * width)
    }
    return Tensor(elementType: target, shape: codes.shape, storage: storage)
  }

  private func parse(_ tensor: Tensor, to target: ElementType) -> Tensor? {
    let texts = tensor.strings.map {
      String(decoding: $0, as: UTF8.self).trimmingSpaces()
    }
    if target.isInteger || target == .bool {
      let integers = texts.compactMap { Int64($0) }
      if integers.count == texts.count {
        return convert(Tensor(integers, shape: tensor.shape), to: target)
      }
    }
    let numbers = texts.compactMap { Double($0) }
    guard numbers.count == texts.count else { return nil }
    if target == .float32 { return Tensor(texts.map { Float($0) ?? 0 }, shape: tensor.shape) }
    return convert(Tensor(numbers, shape: tensor.shape), to: target)
  }

  private func strings(_ tensor: Tensor) -> Tensor? {
    let texts: [String]
    switch tensor.elementType {
    case .bool: texts = tensor.elements(of: RawBool.self).map { $0.isTrue ? "1" : "0" }
    case .float64: texts = tensor.elements(of: Double.self).map(Self.text)
    case .uint64: texts = tensor.elements(of: UInt64.self).map { String($0) }
    case let type where type.isFloatingPoint:
      guard let wide = tensor.widened() else { return nil }
      texts = wide.elements(of: Float.self).map { Self.text(Double("\($0)") ?? Double($0)) }
    default:
      guard let integers = tensor.integers() else { return nil }
      texts = integers.map { String($0) }
    }
    return Tensor(strings: texts.map { Array($0.utf8) }, shape: tensor.shape)
  }

  /// The shortest decimal that reads back as the same number, written as NumPy does.
  private static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-INF" : "INF" }
    if value == value.rounded(), value.magnitude < 1e15 { return "\(Int(value))" }
    return "\(value)"
  }
}

extension Tensor {
  /// The values in their compute type; nil for strings and complex numbers.
  func widened() -> Tensor? {
    func map<Source: TensorElement, Result: TensorElement>(
      _ convert: (Source) -> Result
    ) -> Tensor {
      withElements(of: Source.self) { source in
        Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Result>) in
          for index in source.indices { out[index] = convert(source[index]) }
        }
      }
    }
    switch elementType {
    case .float32, .float64, .int64, .uint64: return self
    case .float16: return map { (value: Float16) in Float(value) }
    case .bfloat16: return map { (value: BrainFloat) in value.value }
    case .bool: return map { (value: RawBool) -> Int64 in value.isTrue ? 1 : 0 }
    case .int32: return map { (value: Int32) in Int64(value) }
    case .uint32: return map { (value: UInt32) in Int64(value) }
    case .int16: return map { (value: Int16) in Int64(value) }
    case .uint16: return map { (value: UInt16) in Int64(value) }
    case .int8: return map { (value: Int8) in Int64(value) }
    case .uint8: return map { (value: UInt8) in Int64(value) }
    case .int4, .uint4, .int2, .uint2:
      return integers().map { Tensor($0.map { Int64($0) }, shape: shape) }
    case .float8e8m0: return Tensor(storage.bytes.map(ScaleFloat.decode), shape: shape)
    case .string, .complex64, .complex128: return nil
    default:
      guard let format = SmallFloat(elementType) else { return nil }
      let codes = storage.bytes
      return Tensor(
        (0..<count).map {
          format.decode(
            elementType.isSubByte ? (codes[$0 / 2] >> ($0 % 2 * 4)) & 0xF : codes[$0])
        }, shape: shape)
    }
  }

  /// Narrows the result of arithmetic in a compute type back to the type it stands for.
  func narrowed(to target: ElementType) -> Tensor {
    TypeConversion().convert(self, to: target) ?? self
  }
}

/// How a compute type turns into the others.
protocol WideElement {
  static var isFloat: Bool { get }
  var float: Float { get }
  var half: Float16 { get }
  /// Truncated toward zero and clamped; NaN is the smallest integer, as on x86.
  var wideInteger: Int64 { get }
  var wideUnsigned: UInt64 { get }
}

extension FixedWidthInteger {
  init<Source: WideElement>(wrap source: Source) {
    self.init(truncatingIfNeeded: source.wideInteger)
  }
}

extension Float: WideElement {
  static var isFloat: Bool { true }
  var float: Float { self }
  var half: Float16 { Float16(self) }
  var wideInteger: Int64 { Double(self).wideInteger }
  var wideUnsigned: UInt64 { Double(self).wideUnsigned }
}

extension Double: WideElement {
  static var isFloat: Bool { true }
  var float: Float { Float(self) }
  var half: Float16 { Float16(self) }
  var wideInteger: Int64 {
    self >= 0x1p63 ? .max : (self >= -0x1p63 ? Int64(self) : .min)
  }
  var wideUnsigned: UInt64 {
    if self >= 0x1p64 { return .max }
    return self > -1 ? UInt64(self) : UInt64(bitPattern: wideInteger)
  }
}

extension Int64: WideElement {
  static var isFloat: Bool { false }
  var float: Float { Float(self) }
  var half: Float16 { Float16(Float(self)) }
  var wideInteger: Int64 { self }
  var wideUnsigned: UInt64 { UInt64(bitPattern: self) }
}

extension UInt64: WideElement {
  static var isFloat: Bool { false }
  var float: Float { Float(self) }
  var half: Float16 { Float16(Float(self)) }
  var wideInteger: Int64 { Int64(bitPattern: self) }
  var wideUnsigned: UInt64 { self }
}

extension String {
  fileprivate func trimmingSpaces() -> String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
