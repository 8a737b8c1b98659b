import GraphIR
import Tensors

/// Sequences of tensors, and optional values.
enum SequenceOperators {
  static let definitions: [OperatorDefinition] = [
    construct, empty, insert, erase, at, length, split, concat, optional, hasElement, getElement,
  ]

  private static let construct = OperatorDefinition("SequenceConstruct") { _, _ in
    { inputs, _ in
      let values = inputs.values.compactMap { $0 }
      guard values.count == inputs.count else { throw inputs.failure("an input is missing") }
      return [.sequence(values)]
    }
  }

  private static let empty = OperatorDefinition("SequenceEmpty") { _, _ in
    { _, _ in [.sequence([])] }
  }

  /// The index at `input`, counted from the front; `count` itself is allowed where `end`.
  private static func position(
    _ inputs: OperatorInputs, _ input: Int, count: Int, end: Bool
  ) throws -> Int? {
    guard let index = try inputs.integer(input) else { return nil }
    guard index >= -count, index < count + (end ? 1 : 0) else {
      throw inputs.failure("position \(index) is out of range for a sequence of \(count)")
    }
    return index < 0 ? index + count : index
  }

  private static let insert = OperatorDefinition("SequenceInsert") { _, _ in
    { inputs, _ in
      var list = try inputs.sequence(0)
      let tensor = try inputs.tensor(1)
      let index = try position(inputs, 2, count: list.count, end: true)
      list.insert(.tensor(tensor), at: index ?? list.count)
      return [.sequence(list)]
    }
  }

  private static let erase = OperatorDefinition("SequenceErase") { _, _ in
    { inputs, _ in
      var list = try inputs.sequence(0)
      guard !list.isEmpty else { throw inputs.failure("the sequence is empty") }
      let index = try position(inputs, 1, count: list.count, end: false)
      list.remove(at: index ?? list.count - 1)
      return [.sequence(list)]
    }
  }

  private static let at = OperatorDefinition("SequenceAt") { _, _ in
    { inputs, _ in
      let list = try inputs.sequence(0)
      guard let index = try position(inputs, 1, count: list.count, end: false) else {
        throw inputs.failure("input 1 is missing")
      }
      return [list[index]]
    }
  }

  private static let length = OperatorDefinition("SequenceLength") { _, _ in
    { inputs, _ in [.tensor(Tensor(scalar: Int64(try inputs.sequence(0).count)))] }
  }

  private static let split = OperatorDefinition("SplitToSequence") { node, _ in
    let attribute = try node.int("axis") ?? 0
    let keep = try node.flag("keepdims", default: true)
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axis = try inputs.axis(attribute, rank: x.rank)
      let size = x.shape[axis]
      let sizes: [Int]
      if let tensor = try inputs.optionalTensor(1), let given = try inputs.integers(1) {
        if tensor.rank == 0 {
          guard given[0] > 0 else { throw inputs.failure("cannot split into parts of \(given[0])") }
          sizes = stride(from: 0, to: size, by: given[0]).map { min(given[0], size - $0) }
        } else {
          sizes = given
        }
      } else {
        sizes = Array(repeating: 1, count: size)
      }
      let single = try inputs.optionalTensor(1) == nil && !keep
      let parts = try ConcatOperators.parts(x, sizes, axis: axis, inputs, context)
      return [
        .sequence(
          parts.map { part in
            var shape = part.shape
            if single { shape.remove(at: axis) }
            return .tensor(part.reshaped(to: shape))
          })
      ]
    }
  }

  private static let concat = OperatorDefinition("ConcatFromSequence") { node, _ in
    guard let attribute = try node.int("axis") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "axis")
    }
    let stack = try node.flag("new_axis", default: false)
    return { inputs, context in
      let tensors = try inputs.sequence(0).map { value -> Tensor in
        guard case .tensor(let tensor) = value else {
          throw inputs.failure("takes a sequence of tensors")
        }
        return tensor
      }
      guard let first = tensors.first else { throw inputs.failure("the sequence is empty") }
      let axis = try inputs.axis(attribute, rank: first.rank + (stack ? 1 : 0))
      let parts = try tensors.map { tensor -> Tensor in
        guard stack else { return tensor }
        guard tensor.shape == first.shape else {
          throw inputs.failure("the tensors differ in shape")
        }
        var shape = tensor.shape
        shape.insert(1, at: axis)
        return tensor.reshaped(to: shape)
      }
      return [.tensor(try ConcatOperators.concatenated(parts, axis: axis, inputs, context))]
    }
  }

  private static let optional = OperatorDefinition("Optional") { _, _ in
    { inputs, _ in [.optional(inputs.value(0))] }
  }

  private static let hasElement = OperatorDefinition("OptionalHasElement") { _, _ in
    { inputs, _ in
      let present =
        switch inputs.value(0) {
        case nil, .optional(nil): false
        default: true
        }
      return [.tensor(Tensor(scalar: present))]
    }
  }

  private static let getElement = OperatorDefinition("OptionalGetElement") { _, _ in
    { inputs, _ in
      switch inputs.value(0) {
      case nil, .optional(nil): throw inputs.failure("the optional value is empty")
      case .optional(.some(let value)): return [value]
      case .some(let value): return [value]
      }
    }
  }
}

extension OperatorInputs {
  func sequence(_ index: Int) throws -> [RuntimeValue] {
    switch value(index) {
    case .sequence(let list), .optional(.some(.sequence(let list))): return list
    default: throw failure("input \(index) must be a sequence")
    }
  }
}
