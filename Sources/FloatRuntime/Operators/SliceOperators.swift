import GraphIR
import Tensors

/// Slice, Pad and CenterCropPad.
enum SliceOperators {
  static let definitions: [OperatorDefinition] = [slice, pad, centerCropPad]

  private static let slice = OperatorDefinition.tensors("Slice") { _ in
    { inputs, context in
      let x = try inputs.tensor(0)
      guard let starts = try inputs.integers(1), let ends = try inputs.integers(2) else {
        throw inputs.failure("needs starts and ends")
      }
      let axes = try inputs.integers(3) ?? Array(0..<starts.count)
      let strides = try inputs.integers(4) ?? starts.map { _ in 1 }
      guard ends.count == starts.count, axes.count == starts.count, strides.count == starts.count
      else { throw inputs.failure("starts, ends, axes and steps differ in length") }
      var steps = Tensor.steps(of: x.shape)
      var shape = x.shape
      var offset = 0
      var seen = Set<Int>()
      for (index, attribute) in axes.enumerated() {
        let axis = try inputs.axis(attribute, rank: x.rank)
        guard strides[index] != 0, seen.insert(axis).inserted else {
          throw inputs.failure("axis \(axis) is sliced twice or with step zero")
        }
        let (first, count) = extent(
          starts[index], ends[index], step: strides[index], size: x.shape[axis])
        shape[axis] = count
        if count > 0 { offset += first * steps[axis] }
        steps[axis] = count > 1 ? steps[axis] * strides[index] : 0
      }
      return [
        try inputs.moving(x) {
          try inputs.gathered(
            $0, shape: shape, extents: shape, steps: steps, offset: offset, pool: context.pool)
        }
      ]
    }
  }

  /// The first index and the number of them, after clamping as the specification of Slice says.
  private static func extent(
    _ start: Int, _ end: Int, step: Int, size: Int
  ) -> (first: Int, count: Int) {
    func clamp(_ value: Int, _ low: Int, _ high: Int) -> Int {
      min(max(value < 0 ? value + size : value, low), high)
    }
    if step > 0 {
      let (first, last) = (clamp(start, 0, size), clamp(end, 0, size))
      return (first, first < last ? (last - first - 1) / step + 1 : 0)
    }
    let (first, last) = (clamp(start, 0, size - 1), clamp(end, -1, size - 1))
    return (first, first > last ? Int(UInt(first - last - 1) / step.magnitude) + 1 : 0)
  }

  private enum PadMode: String, CaseIterable { case constant, reflect, edge, wrap }

  private static let pad = OperatorDefinition.tensors("Pad") { node in
    let mode = try node.choice("mode", default: PadMode.constant)
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard let pads = try inputs.integers(1) else { throw inputs.failure("input 1 is missing") }
      let axes = try inputs.integers(3) ?? Array(0..<x.rank)
      guard pads.count == axes.count * 2 else {
        throw inputs.failure("needs \(axes.count * 2) pads, has \(pads.count)")
      }
      var before = x.shape.map { _ in 0 }
      var after = before
      for (index, attribute) in axes.enumerated() {
        let axis = try inputs.axis(attribute, rank: x.rank)
        (before[axis], after[axis]) = (pads[index], pads[axes.count + index])
      }
      if mode == .constant {
        let fill = try inputs.optionalTensor(2) ?? Tensor.zero(x.elementType)
        guard fill.count == 1 else { throw inputs.failure("needs one constant value") }
        return [try framed(x, before, after, fill: fill, inputs, context)]
      }
      return [
        try inputs.moving(x) { try extended($0, before, after, mode, inputs) }
      ]
    }
  }

  private static func padded(
    _ shape: [Int], _ before: [Int], _ after: [Int], _ type: ElementType, _ inputs: OperatorInputs
  ) throws -> [Int] {
    let result = try shape.indices.map { axis in
      let limit = -1 << 40...1 << 40
      guard limit.contains(shape[axis]), limit.contains(before[axis]), limit.contains(after[axis]),
        case let size = shape[axis] + before[axis] + after[axis], size >= 0
      else {
        throw inputs.failure("pads \(before) and \(after) do not fit shape \(shape)")
      }
      return size
    }
    try inputs.checkedCount(result, type)
    return result
  }

  /// Adds cells of one value around a tensor; negative pads cut.
  private static func framed(
    _ x: Tensor, _ before: [Int], _ after: [Int], fill: Tensor, _ inputs: OperatorInputs,
    _ context: RunContext
  ) throws -> Tensor {
    let shape = try padded(x.shape, before, after, x.elementType, inputs)
    return try inputs.moving([x, fill]) { cells in
      let result = try inputs.filled(shape, with: cells[1])
      let cell = cells[0].elementType.cellSize
      let (source, target) = (Tensor.steps(of: x.shape), Tensor.steps(of: shape))
      var (extents, from, to) = (shape, 0, 0)
      for axis in shape.indices {
        // Target indices that lie on the source.
        let first = max(before[axis], 0)
        let last = min(x.shape[axis] + before[axis], shape[axis])
        guard first < last else { return [result] }
        extents[axis] = last - first
        from += (first - before[axis]) * source[axis]
        to += first * target[axis]
      }
      if let base = result.storage.mutableBytes.baseAddress, result.count > 0 {
        StridedCopy(extents: extents, source: source, target: target).run(
          from: cells[0].storage.base + from * cell, to: base + to * cell, cell: cell,
          pool: context.pool)
      }
      return [result]
    }[0]
  }

  private static func extended(
    _ x: Tensor, _ before: [Int], _ after: [Int], _ mode: PadMode, _ inputs: OperatorInputs
  ) throws -> Tensor {
    let shape = try padded(x.shape, before, after, x.elementType, inputs)
    if shape.contains(0) { return try inputs.filled(shape, with: x) }
    var result = x
    for axis in shape.indices where before[axis] != 0 || after[axis] != 0 {
      // Negative pads cut first: what is left is extended.
      let first = max(0, -before[axis])
      let size = x.shape[axis] - first - max(0, -after[axis])
      guard size > 0 else { throw inputs.failure("cannot extend axis \(axis), which is empty") }
      let indices = (0..<shape[axis]).map { position -> Int in
        let index = position - max(before[axis], 0)
        switch mode {
        case .wrap: return first + modulo(index, size)
        case .reflect where size > 1:
          let folded = modulo(index, 2 * size - 2)
          return first + (folded < size ? folded : 2 * size - 2 - folded)
        default: return first + min(max(index, 0), size - 1)
        }
      }
      var partial = result.shape
      partial[axis] = shape[axis]
      result = try inputs.taken(result, indices, axis: axis, shape: partial)
    }
    return result
  }

  private static func modulo(_ value: Int, _ size: Int) -> Int {
    let rest = value % size
    return rest < 0 ? rest + size : rest
  }

  private static let centerCropPad = OperatorDefinition.tensors("CenterCropPad") { node in
    let attribute = try node.ints("axes")
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axes = try attribute?.map { try inputs.axis($0, rank: x.rank) } ?? Array(0..<x.rank)
      guard let wanted = try inputs.integers(1), wanted.count == axes.count,
        wanted.allSatisfy({ $0 >= 0 })
      else { throw inputs.failure("needs one size for each of the axes \(axes)") }
      var before = x.shape.map { _ in 0 }
      var after = before
      for (axis, size) in zip(axes, wanted) {
        // The odd cell is added or cut at the end.
        let difference = size - x.shape[axis]
        before[axis] = difference / 2
        after[axis] = difference - before[axis]
      }
      return [
        try framed(x, before, after, fill: Tensor.zero(x.elementType), inputs, context)
      ]
    }
  }
}
