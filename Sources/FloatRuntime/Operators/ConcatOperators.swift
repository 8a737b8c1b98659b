import GraphIR
import Tensors

/// Concat and Split.
enum ConcatOperators {
  static let definitions: [OperatorDefinition] = [concat, split]

  private static let concat = OperatorDefinition.tensors("Concat") { node in
    guard let attribute = try node.int("axis") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "axis")
    }
    return { inputs, context in
      let tensors = try (0..<inputs.count).map { try inputs.tensor($0) }
      guard let first = tensors.first else { throw inputs.failure("has no inputs") }
      let axis = try inputs.axis(attribute, rank: first.rank)
      return [try concatenated(tensors, axis: axis, inputs, context)]
    }
  }

  /// Joins tensors of one type along an axis that all have.
  static func concatenated(
    _ tensors: [Tensor], axis: Int, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> Tensor {
    guard var shape = tensors.first?.shape else { throw inputs.failure("has no inputs") }
    shape[axis] = 0
    for tensor in tensors {
      var rest = tensor.shape
      guard rest.count == shape.count else {
        throw inputs.failure("cannot join shapes \(tensors.map(\.shape))")
      }
      let size = rest[axis]
      rest[axis] = shape[axis]
      let (sum, overflow) = shape[axis].addingReportingOverflow(size)
      guard rest == shape, !overflow else {
        throw inputs.failure("cannot join shapes \(tensors.map(\.shape)) along axis \(axis)")
      }
      shape[axis] = sum
    }
    return try inputs.moving(tensors) { cells in
      let type = cells[0].elementType
      let storage = try inputs.storage(shape, type)
      let steps = Tensor.steps(of: shape)
      if var to = storage.mutableBytes.baseAddress, storage.byteCount > 0 {
        for tensor in cells {
          StridedCopy(
            extents: tensor.shape, source: Tensor.steps(of: tensor.shape), target: steps
          ).run(from: tensor.storage.base, to: to, cell: type.cellSize, pool: context.pool)
          to += tensor.shape[axis] * steps[axis] * type.cellSize
        }
      }
      return [Tensor(elementType: type, shape: shape, storage: storage)]
    }[0]
  }

  private static let split = OperatorDefinition.tensors("Split") { node in
    let attribute = try node.int("axis") ?? 0
    let outputs = try node.int("num_outputs") ?? node.outputs.count
    guard outputs > 0, outputs <= node.outputs.count else {
      throw node.failure("splits into \(outputs) parts for \(node.outputs.count) outputs")
    }
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axis = try inputs.axis(attribute, rank: x.rank)
      let sizes = try inputs.integers(1) ?? equalParts(x.shape[axis], outputs)
      return try parts(x, sizes, axis: axis, inputs, context)
    }
  }

  /// Equal parts, rounded up; the last takes what is left.
  private static func equalParts(_ size: Int, _ count: Int) -> [Int] {
    let part = size / count + (size % count == 0 ? 0 : 1)
    return (0..<count).map { max(0, min(part, size - $0 * part)) }
  }

  /// Cuts a tensor into parts of the given sizes along an axis.
  static func parts(
    _ x: Tensor, _ sizes: [Int], axis: Int, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> [Tensor] {
    var rest = x.shape[axis]
    for size in sizes {
      guard size >= 0, size <= rest else {
        throw inputs.failure("parts \(sizes) do not add up to \(x.shape[axis])")
      }
      rest -= size
    }
    guard rest == 0 else {
      throw inputs.failure("parts \(sizes) do not add up to \(x.shape[axis])")
    }
    return try inputs.moving([x]) { cells in
      let steps = Tensor.steps(of: x.shape)
      var first = 0
      return try sizes.map { size in
        var shape = x.shape
        shape[axis] = size
        defer { first += size }
        return try inputs.gathered(
          cells[0], shape: shape, extents: shape, steps: steps, offset: first * steps[axis],
          pool: context.pool)
      }
    }
  }
}
