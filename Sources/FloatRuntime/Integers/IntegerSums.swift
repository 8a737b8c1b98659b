import CFloatKernels
import Parallelism
import Tensors

/// The int32 sums of an integer layer, held as floats where these are exact.
enum IntegerSums {
  case exact(Tensor)
  case wide([Int32], shape: [Int])

  /// The sums as an int32 tensor.
  var integers: Tensor {
    switch self {
    case .exact(let tensor):
      tensor.withElements(of: Float.self) { source in
        Tensor(shape: tensor.shape) { (out: UnsafeMutableBufferPointer<Int32>) in
          for index in source.indices { out[index] = Int32(source[index]) }
        }
      }
    case .wide(let sums, let shape): Tensor(sums, shape: shape)
    }
  }

  /// float(sum) of every sum.
  var floats: Tensor {
    switch self {
    case .exact(let tensor): tensor
    case .wide(let sums, let shape): Tensor(sums.map(Float.init), shape: shape)
    }
  }
}

/// `saturate(round_half_even(float(sum) * m) + zero)` with `m = inputScale * weightScale / scale`.
struct Requantizer: Sendable {
  let multipliers: [Float]
  let zero: Int
  let elementType: ElementType

  init(
    inputScale: Float, weightScales: [Float], outputScale: Float, zero: Int,
    elementType: ElementType
  ) {
    multipliers = weightScales.map { inputScale * $0 / outputScale }
    self.zero = zero
    self.elementType = elementType
  }

  /// Sums whose channel axis is followed by `channelArea` elements; nil where it is the last.
  func apply(_ sums: Tensor, channelArea: Int?, pool: WorkerPool) -> Tensor {
    let storage = TensorStorage(byteCount: sums.count)
    nonisolated(unsafe) let out = storage.mutableBytes.baseAddress?
      .assumingMemoryBound(to: UInt8.self)
    let signed = elementType == .int8
    let kernel = KernelSet.best.table.pointee.requantize
    let channels = multipliers.count
    let step = channelArea == nil && channels > 1 ? 1 : 0
    let line = channels == 1 ? sums.count : channelArea ?? channels
    let lines = line == 0 ? 0 : sums.count / line
    sums.withElements(of: Float.self) { source in
      nonisolated(unsafe) let source = source.baseAddress
      multipliers.withUnsafeBufferPointer { multipliers in
        nonisolated(unsafe) let multipliers = multipliers.baseAddress
        let perTask = max(1, 32_768 / max(line, 1))
        pool.forEach((lines + perTask - 1) / perTask) { task in
          guard let source, let out, let multipliers else { return }
          for index in task * perTask..<min((task + 1) * perTask, lines) {
            let channel = step == 1 || channels == 1 ? 0 : index % channels
            kernel?(
              source + index * line, line, multipliers + channel, step, Int32(zero),
              signed ? -128 : 0, signed ? 127 : 255, out + index * line)
          }
        }
      }
    }
    return Tensor(elementType: elementType, shape: sums.shape, storage: storage)
  }
}

extension Tensor {
  /// The values of an int8 or uint8 tensor minus `zero`, as floats; nil for other types.
  func widened(zero: Int) -> Tensor? {
    guard let zero = Int32(exactly: zero) else { return nil }
    let kernels = KernelSet.best.table.pointee
    switch elementType {
    case .uint8:
      return withElements(of: UInt8.self) { source in
        Tensor(shape: shape) { kernels.widen_u8(source.baseAddress, count, zero, $0.baseAddress) }
      }
    case .int8:
      return withElements(of: Int8.self) { source in
        Tensor(shape: shape) { kernels.widen_s8(source.baseAddress, count, zero, $0.baseAddress) }
      }
    default: return nil
    }
  }

  /// The largest magnitude of an element of this 8-bit type minus `zero`.
  static func reach(of type: ElementType, zero: Int) -> Int {
    guard let range = type.integerRange else { return 0 }
    return max(zero - range.lowerBound, range.upperBound - zero)
  }
}
