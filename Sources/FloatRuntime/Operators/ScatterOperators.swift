import GraphIR
import Tensors

/// ScatterElements, ScatterND and TensorScatter.
enum ScatterOperators {
  static let definitions: [OperatorDefinition] = [scatterElements, scatterND, tensorScatter]

  private enum Reduction: String, CaseIterable { case none, add, mul, max, min }

  private static let scatterElements = OperatorDefinition.tensors("ScatterElements") { node in
    let attribute = try node.int("axis") ?? 0
    let reduction = try node.choice("reduction", default: Reduction.none)
    return { inputs, _ in
      let (x, indices, updates) = (
        try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2)
      )
      let axis = try inputs.axis(attribute, rank: x.rank)
      guard updates.shape == indices.shape else {
        throw inputs.failure("updates \(updates.shape) do not fit indices \(indices.shape)")
      }
      let list = try inputs.indices(1, size: x.shape[axis])
      let offsets = try inputs.elementOffsets(list, indices.shape, in: x.shape, axis: axis)
      return [try scatter(x, updates, offsets, run: 1, reduction, inputs)]
    }
  }

  private static let scatterND = OperatorDefinition.tensors("ScatterND") { node in
    let reduction = try node.choice("reduction", default: Reduction.none)
    return { inputs, _ in
      let (x, indices, updates) = (
        try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2)
      )
      guard let depth = indices.shape.last, depth >= 1, depth <= x.rank,
        updates.shape == Array(indices.shape.dropLast()) + Array(x.shape[depth...])
      else {
        throw inputs.failure(
          "indices \(indices.shape) and updates \(updates.shape) do not fit data \(x.shape)")
      }
      let run = Tensor.count(of: Array(x.shape[depth...]))
      let offsets = try inputs.tuples(1, depth: depth, sizes: Array(x.shape[..<depth])).map {
        $0 * run
      }
      return [try scatter(x, updates, offsets, run: run, reduction, inputs)]
    }
  }

  private enum ScatterMode: String, CaseIterable { case linear, circular }

  private static let tensorScatter = OperatorDefinition.tensors("TensorScatter") { node in
    let attribute = try node.int("axis") ?? -2
    let mode = try node.choice("mode", default: ScatterMode.linear)
    return { inputs, _ in
      let (cache, update) = (try inputs.tensor(0), try inputs.tensor(1))
      let axis = try inputs.axis(attribute, rank: cache.rank)
      var expected = cache.shape
      guard axis > 0, update.rank == cache.rank, let batches = cache.shape.first else {
        throw inputs.failure("update \(update.shape) does not fit cache \(cache.shape)")
      }
      expected[axis] = update.shape[axis]
      let starts = try inputs.integers(2) ?? Array(repeating: 0, count: batches)
      let (size, length) = (cache.shape[axis], update.shape[axis])
      guard expected == update.shape, length <= size, starts.count == batches,
        starts.allSatisfy({
          mode == .circular ? $0 >= 0 : $0 >= 0 && $0 <= size - length
        })
      else {
        throw inputs.failure(
          "update \(update.shape) at \(starts) does not fit cache \(cache.shape)")
      }
      let run = Tensor.count(of: Array(cache.shape[(axis + 1)...]))
      let middle = Tensor.count(of: Array(cache.shape[1..<axis]))
      var offsets: [Int] = []
      for batch in 0..<batches {
        for row in 0..<middle {
          for index in 0..<length {
            let place = (starts[batch] % max(size, 1) + index) % max(size, 1)
            let position = mode == .circular ? place : starts[batch] + index
            offsets.append(((batch * middle + row) * size + position) * run)
          }
        }
      }
      return [try scatter(cache, update, offsets, run: run, .none, inputs)]
    }
  }

  /// Writes runs of `updates` over runs of `x`, in order. Offsets must be in range.
  private static func scatter(
    _ x: Tensor, _ updates: Tensor, _ offsets: [Int], run: Int, _ reduction: Reduction,
    _ inputs: OperatorInputs
  ) throws -> Tensor {
    guard x.elementType == updates.elementType else {
      throw inputs.failure("data is \(x.elementType), updates are \(updates.elementType)")
    }
    switch reduction {
    case .none:
      return try inputs.moving([x, updates]) { cells in
        let storage = TensorStorage(byteCount: cells[0].storage.byteCount)
        storage.mutableBytes.copyMemory(from: cells[0].storage.bytes)
        let cell = cells[0].elementType.cellSize
        let from = cells[1].storage.base
        if let to = storage.mutableBytes.baseAddress {
          for (index, offset) in offsets.enumerated() {
            (to + offset * cell).copyMemory(
              from: from + index * run * cell, byteCount: run * cell)
          }
        }
        return [Tensor(elementType: cells[0].elementType, shape: x.shape, storage: storage)]
      }[0]
    case .add: return try reduce(Add(), x, updates, offsets, run, inputs)
    case .mul: return try reduce(Multiply(), x, updates, offsets, run, inputs)
    case .max: return try reduce(Larger(), x, updates, offsets, run, inputs)
    case .min: return try reduce(Smaller(), x, updates, offsets, run, inputs)
    }
  }

  private static func reduce<Op: Arithmetic>(
    _ op: Op, _ x: Tensor, _ updates: Tensor, _ offsets: [Int], _ run: Int,
    _ inputs: OperatorInputs
  ) throws -> Tensor {
    let (data, values) = (try inputs.widened(x), try inputs.widened(updates))
    func apply<T: ComputeElement>(_ type: T.Type) -> Tensor {
      var result = data.elements(of: T.self)
      values.withElements(of: T.self) { source in
        for (index, offset) in offsets.enumerated() {
          for item in 0..<run {
            result[offset + item] = op.apply(result[offset + item], source[index * run + item])
          }
        }
      }
      return Tensor(result, shape: x.shape)
    }
    let result =
      switch data.elementType {
      case .float32: apply(Float.self)
      case .float64: apply(Double.self)
      case .uint64: apply(UInt64.self)
      default: apply(Int64.self)
      }
    return result.narrowed(to: x.elementType)
  }
}
