import GraphIR
import Parallelism
import Tensors

/// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
///
/// `q = saturate(round_half_even(x / s) + z)` and `(q - z) * s` in float32, or with the division
/// rounded to the type that `precision` names (that of the scale where it is absent).
enum QuantizeOperators {
  static let definitions: [OperatorDefinition] = [quantize, dequantize, dynamicQuantize]

  private static let quantize = OperatorDefinition.tensors("QuantizeLinear") { node in
    let axis = try node.int("axis") ?? 1
    let blockSize = try node.int("block_size") ?? 0
    let saturate = try node.flag("saturate", default: true)
    let outputType = try named(node, "output_dtype")
    let precision = try named(node, "precision")
    return { inputs, context in
      let (x, scale) = (try inputs.tensor(0), try inputs.tensor(1))
      let zero = try inputs.optionalTensor(2)
      let type = zero?.elementType ?? outputType ?? .uint8
      guard outputType == nil || outputType == type, zero == nil || zero?.count == scale.count
      else { throw inputs.failure("the zero point does not fit the scale or the output type") }
      let layout = try ScaleLayout(
        shape: x.shape, scaleShape: scale.shape, axis: axis, blockSize: blockSize, inputs)
      let problem = Problem(
        values: try floats(x, inputs), scales: try finite(scale, inputs), layout: layout,
        precision: precision ?? scale.elementType, pool: context.pool)
      if type.isFloatingPoint {
        guard type.bitWidth <= 8 else { throw inputs.failure("cannot quantize to \(type)") }
        let quotients = problem.quotients(x.shape)
        guard let codes = TypeConversion(saturate: saturate).convert(quotients, to: type) else {
          throw inputs.failure("cannot quantize to \(type)")
        }
        return [codes]
      }
      guard let range = type.integerRange, type.bitWidth <= 16 else {
        throw inputs.failure("cannot quantize to \(type)")
      }
      let zeros = try zeroPoints(zero, scale.count, inputs)
      switch type {
      case .uint8: return [problem.quantized(x.shape, zeros, range, as: UInt8.self)]
      case .int8: return [problem.quantized(x.shape, zeros, range, as: Int8.self)]
      case .uint16: return [problem.quantized(x.shape, zeros, range, as: UInt16.self)]
      case .int16: return [problem.quantized(x.shape, zeros, range, as: Int16.self)]
      default:
        let codes = problem.quantized(x.shape, zeros, range, as: UInt8.self)
        guard let packed = TypeConversion().packed(codes, as: type) else {
          throw inputs.failure("an output of shape \(x.shape) is too large")
        }
        return [packed]
      }
    }
  }

  /// A type attribute whose value zero means that it is absent.
  private static func named(_ node: Node, _ name: String) throws -> ElementType? {
    try node.int(name) == 0 ? nil : try node.elementType(name)
  }

  private static func floats(_ tensor: Tensor, _ inputs: OperatorInputs) throws -> Tensor {
    try inputs.converted(tensor, to: .float32)
  }

  /// Scales as float32; NaN and infinity would leave nothing of the values.
  private static func finite(_ scale: Tensor, _ inputs: OperatorInputs) throws -> Tensor {
    let scales = try floats(scale, inputs)
    guard scales.withElements(of: Float.self, { $0.allSatisfy(\.isFinite) }) else {
      throw inputs.failure("has a scale that is not finite")
    }
    return scales
  }

  private static func zeroPoints(
    _ tensor: Tensor?, _ count: Int, _ inputs: OperatorInputs
  ) throws -> [Int32] {
    guard let tensor else { return Array(repeating: 0, count: count) }
    guard let list = tensor.integers() else {
      throw inputs.failure("zero points cannot be \(tensor.elementType)")
    }
    return list.map { Int32(clamping: $0) }
  }

  /// float32 values and scales of a tensor that is to be quantized.
  private struct Problem: Sendable {
    let values: Tensor
    let scales: Tensor
    let layout: ScaleLayout
    let precision: ElementType
    let pool: WorkerPool

    /// The quotients, rounded to the precision of the division.
    func quotients(_ shape: [Int]) -> Tensor {
      let result = values.withElements(of: Float.self) { source in
        scales.withElements(of: Float.self) { scale in
          Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
            guard let source = source.baseAddress, let scale = scale.baseAddress,
              let out = out.baseAddress
            else { return }
            nonisolated(unsafe) let (x, s, y) = (source, scale, out)
            layout.forEachRun(pool: pool) { start, count, first, step in
              for index in 0..<count {
                y[start + index] = x[start + index] / s[first + index * step]
              }
            }
          }
        }
      }
      guard precision == .float16 || precision == .bfloat16 else { return result }
      return result.narrowed(to: precision).narrowed(to: .float32)
    }

    /// Saturation comes first, which changes nothing as the limits are integers; then adding
    /// 1.5 * 2^23 rounds half to even and leaves the integer in the low bits. NaN becomes the
    /// smallest value.
    func quantized<Code: FixedWidthInteger & TensorElement>(
      _ shape: [Int], _ zeros: [Int32], _ range: ClosedRange<Int>, as type: Code.Type
    ) -> Tensor {
      let exact = precision != .float16 && precision != .bfloat16
      let source = exact ? values : quotients(shape)
      let divisors = exact ? scales : Tensor(zeros.map { _ in Float(1) }, shape: scales.shape)
      let lowest = zeros.map { Float(range.lowerBound - Int($0)) }
      let highest = zeros.map { Float(range.upperBound - Int($0)) }
      let magic: Float = 0x1.8p23
      return source.withElements(of: Float.self) { source in
        divisors.withElements(of: Float.self) { scale in
          Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Code>) in
            guard let source = source.baseAddress, let scale = scale.baseAddress,
              let out = out.baseAddress
            else { return }
            nonisolated(unsafe) let (x, s, y) = (source, scale, out)
            @Sendable func code(_ value: Float, _ low: Float, _ high: Float, _ zero: Int32) -> Code
            {
              let above = value > low ? value : low
              let rounded = (above < high ? above : high) + magic
              let integer = Int32(bitPattern: rounded.bitPattern &- magic.bitPattern)
              return Code(truncatingIfNeeded: integer &+ zero)
            }
            layout.forEachRun(pool: pool) { start, count, first, step in
              if step == 0 {
                let (divisor, zero) = (s[first], zeros[first])
                let (low, high) = (lowest[first], highest[first])
                for index in start..<start + count {
                  y[index] = code(x[index] / divisor, low, high, zero)
                }
              } else {
                for index in 0..<count {
                  let at = first + index
                  y[start + index] = code(
                    x[start + index] / s[at], lowest[at], highest[at], zeros[at])
                }
              }
            }
          }
        }
      }
    }
  }

  private static let dequantize = OperatorDefinition.tensors("DequantizeLinear") { node in
    let axis = try node.int("axis") ?? 1
    let blockSize = try node.int("block_size") ?? 0
    let outputType = try named(node, "output_dtype")
    return { inputs, context in
      let (x, scale) = (try inputs.tensor(0), try inputs.tensor(1))
      let zero = try inputs.optionalTensor(2)
      guard zero == nil || (zero?.count == scale.count && zero?.elementType == x.elementType)
      else { throw inputs.failure("the zero point does not fit the scale or the input") }
      let layout = try ScaleLayout(
        shape: x.shape, scaleShape: scale.shape, axis: axis, blockSize: blockSize, inputs)
      let scales = try finite(scale, inputs)
      let result: Tensor
      if x.elementType.isFloatingPoint {
        let values = try floats(x, inputs)
        result = products(values, scales, layout, context.pool) { (x: Float, _) in x }
      } else {
        let zeros = try zeroPoints(zero, scale.count, inputs)
        result = try integerProducts(x, zeros, scales, layout, inputs, context.pool)
      }
      return [result.narrowed(to: outputType ?? scale.elementType)]
    }
  }

  private static func integerProducts(
    _ x: Tensor, _ zeros: [Int32], _ scales: Tensor, _ layout: ScaleLayout,
    _ inputs: OperatorInputs, _ pool: WorkerPool
  ) throws -> Tensor {
    func run<Code: FixedWidthInteger & TensorElement>(_ x: Tensor, _: Code.Type) -> Tensor {
      zeros.withUnsafeBufferPointer { zeros in
        nonisolated(unsafe) let zeros = zeros
        return products(x, scales, layout, pool) { (code: Code, index: Int) in
          Float(Int64(truncatingIfNeeded: code) &- Int64(zeros[index]))
        }
      }
    }
    switch x.elementType {
    case .uint8: return run(x, UInt8.self)
    case .int8: return run(x, Int8.self)
    case .uint16: return run(x, UInt16.self)
    case .int16: return run(x, Int16.self)
    case .int32: return run(x, Int32.self)
    case .uint4, .uint2: return run(x.unpackedCodes(), UInt8.self)
    case .int4, .int2:
      let sign = Int8(1) << Int8(x.elementType.bitWidth - 1)
      let codes = x.unpackedCodes().elements(of: UInt8.self)
      let values = codes.map { (Int8(truncatingIfNeeded: $0) ^ sign) &- sign }
      return run(Tensor(values, shape: x.shape), Int8.self)
    default: throw inputs.failure("cannot dequantize \(x.elementType)")
    }
  }

  @inline(__always)
  private static func products<Code: TensorElement>(
    _ x: Tensor, _ scales: Tensor, _ layout: ScaleLayout, _ pool: WorkerPool,
    _ difference: @Sendable (Code, Int) -> Float
  ) -> Tensor {
    x.withElements(of: Code.self) { source in
      scales.withElements(of: Float.self) { scale in
        Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
          guard let source = source.baseAddress, let scale = scale.baseAddress,
            let out = out.baseAddress
          else { return }
          nonisolated(unsafe) let (x, s, y) = (source, scale, out)
          layout.forEachRun(pool: pool) { start, count, first, step in
            for index in 0..<count {
              let at = first + index * step
              y[start + index] = difference(x[start + index], at) * s[at]
            }
          }
        }
      }
    }
  }

  private static let dynamicQuantize = OperatorDefinition.tensors("DynamicQuantizeLinear") { _ in
    { inputs, context in
      let x = try inputs.tensor(0)
      try inputs.checkType(x, .float32, input: 0)
      let (low, high) = x.withElements(of: Float.self) { values in
        values.reduce((Float(0), Float(0))) { (min($0.0, $1), max($0.1, $1)) }
      }
      let scale = low == high ? 1 : (high - low) / 255
      let ideal = (-low / scale).rounded(.toNearestOrEven)
      let zero = UInt8(ideal > 0 ? (ideal < 255 ? ideal : 255) : 0)
      let layout = try ScaleLayout(
        shape: x.shape, scaleShape: [], axis: 0, blockSize: 0, inputs)
      let problem = Problem(
        values: x, scales: Tensor(scalar: scale), layout: layout, precision: .float32,
        pool: context.pool)
      return [
        problem.quantized(x.shape, [Int32(zero)], 0...255, as: UInt8.self),
        Tensor(scalar: scale), Tensor(scalar: zero),
      ]
    }
  }
}
