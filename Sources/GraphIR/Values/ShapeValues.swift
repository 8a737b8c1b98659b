import Tensors

/// Operators that turn shapes into tensors, and constants.
enum ShapeValues {
  static let rules: [String: ValueRule] = [
    "Constant": { [$0.node.constantValue.map(PartialValue.init)] },
    "Shape": { node in
      guard let shape = node.shape(0) else { return [] }
      let entries = shape[try GenerationShapes.shapeRange(node, rank: shape.count)]
      return [
        PartialValue(type: .int64, shape: [entries.count], scalars: entries.map(Scalar.init))
      ]
    },
    "Size": { node in
      guard let shape = node.shape(0),
        let size = try? shape.reduce(.fixed(1), node.product)
      else { return [] }
      return [PartialValue(type: .int64, shape: [], scalars: [Scalar(size)])]
    },
    "ConstantOfShape": { node in
      let limit = min(node.scope.evaluationLimit, PartialValue.scalarLimit)
      let fill = node.node.constantValue ?? Tensor(scalar: Float(0))
      guard fill.count == 1, let shape = try node.resultShape(limit: limit) else { return [] }
      let indices = Array(repeating: 0, count: Tensor.count(of: shape))
      return [PartialValue(fill).picking(indices, shape: shape)]
    },
    "Range": { node in
      let limit = min(node.scope.evaluationLimit, PartialValue.scalarLimit)
      guard let start = node.integers(0)?.first, let end = node.integers(1)?.first,
        let delta = node.integers(2)?.first, let type = node.element(0),
        let count = ValueRules.rangeCount(start, end, delta), count <= limit
      else { return [] }
      return [
        PartialValue(
          type: type, shape: [count], scalars: (0..<count).map { .int(start + $0 * delta) })
      ]
    },
    "NonZero": { node in
      guard let value = node.value(0), value.count <= node.scope.evaluationLimit,
        let entries = value.integers
      else { return [] }
      let found = entries.indices.filter { entries[$0] != 0 }
      let strides = IndexMap.strides(of: value.shape)
      let coordinates = zip(value.shape, strides).flatMap { size, stride in
        found.map { Scalar.int($0 / stride % size) }
      }
      return [
        PartialValue(type: .int64, shape: [value.shape.count, found.count], scalars: coordinates)
      ]
    },
  ]
}
