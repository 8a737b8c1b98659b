import GraphIR
import Tensors

/// Gather, GatherElements, GatherND and Compress.
enum GatherOperators {
  static let definitions: [OperatorDefinition] = [gather, gatherElements, gatherND, compress]

  private static let gather = OperatorDefinition.tensors("Gather") { node in
    let attribute = try node.int("axis") ?? 0
    return { inputs, _ in
      let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
      let axis = try inputs.axis(attribute, rank: x.rank)
      let list = try inputs.indices(1, size: x.shape[axis])
      let shape = Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...])
      if let bytes = x.packedRows, axis == 0 {
        let rows = try inputs.taken(
          bytes, list, axis: 0, shape: indices.shape + [bytes.shape[1]])
        return [Tensor(elementType: x.elementType, shape: shape, storage: rows.storage)]
      }
      return [
        try inputs.moving(x) { try inputs.taken($0, list, axis: axis, shape: shape) }
      ]
    }
  }

  private static let gatherElements = OperatorDefinition.tensors("GatherElements") { node in
    let attribute = try node.int("axis") ?? 0
    return { inputs, _ in
      let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
      let axis = try inputs.axis(attribute, rank: x.rank)
      let list = try inputs.indices(1, size: x.shape[axis])
      let offsets = try inputs.elementOffsets(list, indices.shape, in: x.shape, axis: axis)
      return [
        try inputs.moving(x) {
          try inputs.taken(
            $0.reshaped(to: [x.count]), offsets, axis: 0, shape: indices.shape)
        }
      ]
    }
  }

  private static let gatherND = OperatorDefinition.tensors("GatherND") { node in
    let batch = try node.int("batch_dims") ?? 0
    return { inputs, _ in
      let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
      guard indices.rank > 0, batch >= 0, batch < min(x.rank, indices.rank),
        x.shape[..<batch] == indices.shape[..<batch]
      else {
        throw inputs.failure(
          "indices \(indices.shape) with \(batch) batch axes do not fit data \(x.shape)")
      }
      let depth = indices.shape[indices.rank - 1]
      guard depth >= 1, depth <= x.rank - batch else {
        throw inputs.failure("indices \(indices.shape) do not fit data \(x.shape)")
      }
      let indexed = Array(x.shape[batch..<batch + depth])
      let tuples = try inputs.tuples(1, depth: depth, sizes: indexed)
      let batches = Tensor.count(of: Array(x.shape[..<batch]))
      let perBatch = tuples.count / max(batches, 1)
      let block = Tensor.count(of: indexed)
      let rows = tuples.enumerated().map { $1 + $0 / max(perBatch, 1) * block }
      let inner = Array(x.shape[(batch + depth)...])
      let shape = Array(indices.shape.dropLast()) + inner
      return [
        try inputs.moving(x) {
          try inputs.taken(
            $0.reshaped(to: [batches * block] + inner), rows, axis: 0, shape: shape)
        }
      ]
    }
  }

  private static let compress = OperatorDefinition.tensors("Compress") { node in
    let attribute = try node.int("axis")
    return { inputs, _ in
      var x = try inputs.tensor(0)
      let condition = try inputs.tensor(1)
      try inputs.checkType(condition, .bool, input: 1)
      var axis = 0
      if let attribute {
        axis = try inputs.axis(attribute, rank: x.rank)
      } else {
        x = x.reshaped(to: [x.count])
      }
      let flags = condition.elements(of: RawBool.self).map(\.isTrue)
      let indices = flags.indices.filter { flags[$0] }
      guard (indices.last ?? -1) < x.shape[axis] else {
        throw inputs.failure("the condition is longer than axis \(axis) of \(x.shape)")
      }
      var shape = x.shape
      shape[axis] = indices.count
      return [
        try inputs.moving(x) { try inputs.taken($0, indices, axis: axis, shape: shape) }
      ]
    }
  }
}

extension OperatorInputs {
  /// The indices of the tensor at `index` into an axis of `size`, counted from the front.
  func indices(_ index: Int, size: Int) throws -> [Int] {
    guard var list = try integers(index) else { throw failure("input \(index) is missing") }
    for position in list.indices {
      let value = list[position]
      guard value >= -size, value < size else {
        throw failure("index \(value) is out of range for an axis of \(size)")
      }
      if value < 0 { list[position] = value + size }
    }
    return list
  }

  /// The elements of `shape` that GatherElements and ScatterElements address: the position of
  /// each index, with its coordinate along `axis` replaced by it.
  func elementOffsets(
    _ list: [Int], _ indexShape: [Int], in shape: [Int], axis: Int
  ) throws -> [Int] {
    guard indexShape.count == shape.count,
      shape.indices.allSatisfy({ $0 == axis || indexShape[$0] <= shape[$0] })
    else { throw failure("indices of shape \(indexShape) do not fit data \(shape)") }
    var steps = Tensor.steps(of: shape)
    let step = steps[axis]
    steps[axis] = 0
    var offsets = list
    var position = 0
    StridedWalk(extents: indexShape, steps: [steps]).forEach { base in
      offsets[position] = base[0] + list[position] * step
      position += 1
    }
    return offsets
  }

  /// Index tuples of GatherND and ScatterND as row-major offsets into `sizes`.
  func tuples(_ index: Int, depth: Int, sizes: [Int]) throws -> [Int] {
    guard let list = try integers(index) else { throw failure("input \(index) is missing") }
    let steps = Tensor.steps(of: sizes)
    return try stride(from: 0, to: list.count, by: depth).map { first in
      var offset = 0
      for axis in 0..<depth {
        let value = list[first + axis]
        guard value >= -sizes[axis], value < sizes[axis] else {
          throw failure("index \(value) is out of range for an axis of \(sizes[axis])")
        }
        offset += (value < 0 ? value + sizes[axis] : value) * steps[axis]
      }
      return offset
    }
  }
}

extension Tensor {
  /// Rows along the first axis as bytes, `[rows, bytes]`; nil where elements are whole bytes anyway, or
  /// rows are not.
  fileprivate var packedRows: Tensor? {
    guard elementType.isSubByte, rank > 1, shape[0] > 0 else { return nil }
    let bits = count / shape[0] * elementType.bitWidth
    guard bits > 0, bits % 8 == 0, storage.byteCount == shape[0] * bits / 8 else { return nil }
    return Tensor(elementType: .uint8, shape: [shape[0], bits / 8], storage: storage)
  }
}
