import GraphIR
import Tensors

/// Operators that read or change a tensor's shape and keep its elements in order, and Transpose.
enum ShapeOperators {
  static let definitions: [OperatorDefinition] = [
    shape, size, reshape, flatten, squeeze, unsqueeze, identity, expand, tile, transpose,
  ]

  private static let shape = OperatorDefinition.tensors("Shape") { node in
    let (start, end) = (try node.int("start") ?? 0, try node.int("end"))
    return { inputs, _ in
      let shape = try inputs.tensor(0).shape
      func clamp(_ axis: Int) -> Int {
        min(max(axis < 0 ? axis + shape.count : axis, 0), shape.count)
      }
      let (first, last) = (clamp(start), clamp(end ?? shape.count))
      let part = first < last ? Array(shape[first..<last]) : []
      return [Tensor(part.map { Int64($0) }, shape: [part.count])]
    }
  }

  private static let size = OperatorDefinition.unary("Size") { x, _, _ in
    Tensor(scalar: Int64(x.count))
  }

  private static let reshape = OperatorDefinition.tensors("Reshape") { node in
    let allowZero = try node.flag("allowzero", default: false)
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard var shape = try inputs.integers(1) else { throw inputs.failure("input 1 is missing") }
      let requested = shape
      if !allowZero {
        for axis in shape.indices where shape[axis] == 0 {
          guard axis < x.rank else {
            throw inputs.failure("shape \(requested) copies a dimension that \(x.shape) lacks")
          }
          shape[axis] = x.shape[axis]
        }
      }
      let free = shape.indices.filter { shape[$0] == -1 }
      if free.count == 1 {
        shape[free[0]] = 1
        if let rest = Tensor.checkedCount(of: shape), rest > 0 { shape[free[0]] = x.count / rest }
      }
      guard free.count <= 1, Tensor.checkedCount(of: shape) == x.count else {
        throw inputs.failure("cannot reshape \(x.shape) to \(requested)")
      }
      return [x.reshaped(to: shape)]
    }
  }

  private static let flatten = OperatorDefinition.tensors("Flatten") { node in
    let attribute = try node.int("axis") ?? 1
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard attribute >= -x.rank, attribute <= x.rank else {
        throw inputs.failure("axis \(attribute) is out of range for rank \(x.rank)")
      }
      let axis = attribute < 0 ? attribute + x.rank : attribute
      return [
        x.reshaped(to: [
          Tensor.count(of: Array(x.shape[..<axis])), Tensor.count(of: Array(x.shape[axis...])),
        ])
      ]
    }
  }

  private static let squeeze = OperatorDefinition.tensors("Squeeze") { _ in
    { inputs, _ in
      let x = try inputs.tensor(0)
      guard let list = try inputs.integers(1) else {
        return [x.reshaped(to: x.shape.filter { $0 != 1 })]
      }
      let axes = Set(try list.map { try inputs.axis($0, rank: x.rank) })
      if let axis = axes.first(where: { x.shape[$0] != 1 }) {
        throw inputs.failure("cannot squeeze axis \(axis) of shape \(x.shape)")
      }
      return [x.reshaped(to: x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })]
    }
  }

  private static let unsqueeze = OperatorDefinition.tensors("Unsqueeze") { _ in
    { inputs, _ in
      let x = try inputs.tensor(0)
      guard let list = try inputs.integers(1) else { throw inputs.failure("input 1 is missing") }
      let rank = x.rank + list.count
      let axes = Set(try list.map { try inputs.axis($0, rank: rank) })
      guard axes.count == list.count else { throw inputs.failure("axes \(list) repeat") }
      var rest = x.shape.makeIterator()
      return [x.reshaped(to: (0..<rank).map { axes.contains($0) ? 1 : rest.next() ?? 1 })]
    }
  }

  private static let identity = OperatorDefinition("Identity") { _, _ in
    { inputs, _ in
      guard let value = inputs.value(0) else { throw inputs.failure("input 0 is missing") }
      return [value]
    }
  }

  private static let expand = OperatorDefinition.tensors("Expand") { _ in
    { inputs, context in
      let x = try inputs.tensor(0)
      guard let wanted = try inputs.integers(1) else { throw inputs.failure("input 1 is missing") }
      guard wanted.allSatisfy({ $0 >= 0 }), let shape = Broadcast.shape(of: [x.shape, wanted])
      else { throw inputs.failure("cannot expand \(x.shape) to \(wanted)") }
      if shape == x.shape { return [x] }
      let missing = shape.count - x.rank
      let own = Tensor.steps(of: x.shape)
      let steps = shape.indices.map { axis in
        axis < missing || x.shape[axis - missing] == 1 ? 0 : own[axis - missing]
      }
      return [
        try inputs.moving(x) {
          try inputs.gathered($0, shape: shape, extents: shape, steps: steps, pool: context.pool)
        }
      ]
    }
  }

  private static let tile = OperatorDefinition.tensors("Tile") { _ in
    { inputs, context in
      let x = try inputs.tensor(0)
      guard let repeats = try inputs.integers(1), repeats.count == x.rank else {
        throw inputs.failure("needs one repeat for each of the \(x.rank) axes")
      }
      let shape = try zip(x.shape, repeats).map { size, count in
        let (product, overflow) = size.multipliedReportingOverflow(by: count)
        guard !overflow, count >= 0 else { throw inputs.failure("cannot repeat \(repeats) times") }
        return product
      }
      try inputs.checkedCount(shape, x.elementType)
      let own = Tensor.steps(of: x.shape)
      return [
        try inputs.moving(x) {
          try inputs.gathered(
            $0, shape: shape, extents: x.shape.indices.flatMap { [repeats[$0], x.shape[$0]] },
            steps: own.flatMap { [0, $0] }, pool: context.pool)
        }
      ]
    }
  }

  private static let transpose = OperatorDefinition.tensors("Transpose") { node in
    let attribute = try node.ints("perm")
    return { inputs, context in
      let x = try inputs.tensor(0)
      let order = attribute ?? Array((0..<x.rank).reversed())
      guard order.sorted() == Array(0..<x.rank) else {
        throw inputs.failure("perm \(order) does not fit rank \(x.rank)")
      }
      return [try inputs.moving(x) { try transposed($0, order, inputs, context) }]
    }
  }

  /// `order` must be a permutation of the axes; `x` has elements of whole bytes.
  static func transposed(
    _ x: Tensor, _ order: [Int], _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> Tensor {
    let shape = order.map { x.shape[$0] }
    let moved = order.filter { x.shape[$0] != 1 }
    if moved == moved.sorted() { return x.reshaped(to: shape) }
    let steps = Tensor.steps(of: x.shape)
    return try inputs.gathered(
      x, shape: shape, extents: shape, steps: order.map { steps[$0] }, pool: context.pool)
  }
}
