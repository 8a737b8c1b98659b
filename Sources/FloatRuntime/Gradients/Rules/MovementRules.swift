import GraphIR
import Tensors

/// Operators that move elements: each element's gradient goes back to where it came from.
enum MovementRules {
  static let definitions: [BackwardDefinition] =
    ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"].map { name in
      BackwardDefinition(name) { _ in
        { step in
          let x = try step.inputs.floats(0)
          let gradient = try step.gradient()
          guard gradient.count == x.count else { throw step.failure("has another size") }
          return [gradient.reshaped(to: x.shape)]
        }
      }
    }
    + [
      "Slice", "Gather", "GatherElements", "GatherND", "Expand", "Tile", "DepthToSpace",
      "SpaceToDepth", "Split",
    ].map { name in
      BackwardDefinition(name) { _ in { step in try traced(step, operands: [0]) } }
    } + [
      BackwardDefinition("Concat") { _ in
        { step in try traced(step, operands: Array(step.wanted.indices)) }
      },
      BackwardDefinition("Pad") { _ in
        { step in try traced(step, operands: [0], others: [2: Tensor(scalar: Int64(-1))]) }
      },
      BackwardDefinition("Cast") { _ in
        { step in
          guard try step.output().elementType == .float32 else {
            throw step.failure("is known in float32 only")
          }
          return [try step.gradient()]
        }
      },
      BackwardDefinition("Transpose") { node in
        let attribute = try node.ints("perm")
        return { step in
          let gradient = try step.gradient()
          let order = attribute ?? Array((0..<gradient.rank).reversed())
          let inverse = order.indices.sorted { order[$0] < order[$1] }
          let steps = Tensor.steps(of: gradient.shape)
          let shape = inverse.map { gradient.shape[$0] }
          return [
            try step.inputs.gathered(
              gradient, shape: shape, extents: shape, steps: inverse.map { steps[$0] },
              pool: step.pool)
          ]
        }
      },
    ]

  /// Lets the operator move the positions of the elements of its `operands` instead of them; -1 is
  /// no element.
  private static func traced(
    _ step: BackwardStep, operands: [Int], others: [Int: Tensor] = [:]
  ) throws -> [Tensor?] {
    var values: [Tensor?] = try step.wanted.indices.map { try step.inputs.optionalTensor($0) }
    for (index, tensor) in others {
      while values.count <= index { values.append(nil) }
      values[index] = tensor
    }
    var starts: [Int] = []
    var total = 0
    for index in operands {
      let x = try step.inputs.floats(index)
      starts.append(total)
      values[index] = Tensor(
        (total..<total + x.count).map { Int64($0) }, shape: x.shape)
      total += x.count
    }
    var sums = [Float](repeating: 0, count: total)
    for (sources, gradient) in zip(try step.run(values), step.gradients) {
      guard let gradient else { continue }
      sources.withElements(of: Int64.self) { sources in
        gradient.withElements(of: Float.self) { gradient in
          for (source, value) in zip(sources, gradient) where source >= 0 {
            sums[Int(source)] += value
          }
        }
      }
    }
    return try step.wanted.indices.map { index in
      guard let position = operands.firstIndex(of: index), step.wanted[index] else { return nil }
      let shape = try step.inputs.floats(index).shape
      let start = starts[position]
      return Tensor(Array(sums[start..<start + Tensor.count(of: shape)]), shape: shape)
    }
  }
}
