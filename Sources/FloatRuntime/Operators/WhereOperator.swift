import GraphIR
import Tensors

/// Where: elements of one of two tensors, chosen by a third.
enum WhereOperator {
  static let definitions: [OperatorDefinition] = [
    .tensors("Where") { _ in
      { inputs, _ in
        let condition = try inputs.tensor(0)
        let (a, b) = (try inputs.tensor(1), try inputs.tensor(2))
        try inputs.checkType(condition, .bool, input: 0)
        try inputs.checkType(b, a.elementType, input: 2)
        let plan = try inputs.broadcast([condition.shape, a.shape, b.shape])
        switch a.elementType {
        case .string: return [strings(condition, a, b, plan)]
        case .complex128: return [select(SIMD2<UInt64>.self, condition, a, b, plan)]
        default: break
        }
        switch a.elementType.bitWidth {
        case 64: return [select(UInt64.self, condition, a, b, plan)]
        case 32: return [select(UInt32.self, condition, a, b, plan)]
        case 16: return [select(UInt16.self, condition, a, b, plan)]
        case 8: return [select(UInt8.self, condition, a, b, plan)]
        default:
          let (x, y) = (try inputs.widened(a), try inputs.widened(b))
          let wide =
            x.elementType == .float32
            ? select(UInt32.self, condition, x, y, plan)
            : select(UInt64.self, condition, x, y, plan)
          return [wide.narrowed(to: a.elementType)]
        }
      }
    }
  ]

  /// `Bits` is an integer as wide as the elements.
  private static func select<Bits>(
    _: Bits.Type, _ condition: Tensor, _ a: Tensor, _ b: Tensor, _ plan: Broadcast
  ) -> Tensor {
    let storage = TensorStorage(byteCount: plan.count * MemoryLayout<Bits>.stride)
    storage.mutableBytes.withMemoryRebound(to: Bits.self) { out in
      condition.storage.bytes.withMemoryRebound(to: UInt8.self) { flags in
        let (left, right) = (a.storage.bytes, b.storage.bytes)
        let last = plan.extents.count - 1
        let steps = plan.strides.map { $0[last] }
        let size = MemoryLayout<Bits>.stride
        plan.forEachRun(in: 0..<plan.count) { start, count, offsets in
          for index in 0..<count {
            out[start + index] =
              flags[offsets[0] + index * steps[0]] != 0
              ? left.loadUnaligned(
                fromByteOffset: (offsets[1] + index * steps[1]) * size, as: Bits.self)
              : right.loadUnaligned(
                fromByteOffset: (offsets[2] + index * steps[2]) * size, as: Bits.self)
          }
        }
      }
    }
    return Tensor(elementType: a.elementType, shape: plan.shape, storage: storage)
  }

  private static func strings(
    _ condition: Tensor, _ a: Tensor, _ b: Tensor, _ plan: Broadcast
  ) -> Tensor {
    let flags = condition.storage.bytes
    let last = plan.extents.count - 1
    let steps = plan.strides.map { $0[last] }
    var result: [[UInt8]] = []
    plan.forEachRun(in: 0..<plan.count) { _, count, offsets in
      for index in 0..<count {
        result.append(
          flags[offsets[0] + index * steps[0]] != 0
            ? a.strings[offsets[1] + index * steps[1]]
            : b.strings[offsets[2] + index * steps[2]])
      }
    }
    return Tensor(strings: result, shape: plan.shape)
  }
}
