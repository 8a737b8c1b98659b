import Tensors

/// Sequences and optionals carry the type of what they hold.
enum SequenceShapes {
  static let rules: [String: ShapeRule] = [
    "SequenceConstruct": { node in
      let first = node.inputs.indices.dropFirst().reduce(node.type(0)) {
        $0.common(with: node.type($1))
      }
      return [wrapped(first)]
    },
    "SequenceEmpty": { node in
      let type = try ElementwiseShapes.elementType(node.node, "dtype") ?? .float32
      return [wrapped(InferredType(type))]
    },
    "SequenceInsert": { node in
      [wrapped(element(node.type(0)).common(with: node.type(1)))]
    },
    "SequenceErase": { [$0.type(0)] },
    "SequenceAt": { [element($0.type(0))] },
    "SequenceLength": { _ in [InferredType(.int64, [])] },
    "SplitToSequence": { node in
      [wrapped(InferredType(node.element(0)))]
    },
    "ConcatFromSequence": { node in
      [InferredType(element(node.type(0)).element)]
    },
    "OptionalHasElement": { _ in [InferredType(.bool, [])] },
    "OptionalGetElement": { node in
      if case .optional(let inner) = node.type(0).container { return [InferredType(inner)] }
      return [node.type(0)]
    },
    "Optional": { node in
      var result = InferredType.unknown
      if let type = node.type(0).valueType { result.container = .optional(type) }
      return [result]
    },
  ]

  private static func wrapped(_ type: InferredType) -> InferredType {
    var result = InferredType.unknown
    if let inner = type.valueType { result.container = .sequence(inner) }
    return result
  }

  private static func element(_ type: InferredType) -> InferredType {
    if case .sequence(let inner) = type.container { InferredType(inner) } else { .unknown }
  }
}
