import GraphIR
import Tensors

/// If, Loop, Scan and SequenceMap: operators that run subgraphs.
enum ControlFlowOperators {
  static let definitions: [OperatorDefinition] = [conditional, loop, scan, sequenceMap]

  private static func body(_ name: String, _ node: Node, _ context: PreparationContext) throws
    -> PreparedGraph
  {
    guard let graph = try node.graph(name) else {
      throw GraphError.attributeMissing(node: node.label, attribute: name)
    }
    return try context.prepareSubgraph(graph)
  }

  /// Runs a body on values for its inputs, in order.
  private static func run(
    _ body: PreparedGraph, _ values: [RuntimeValue], _ inputs: OperatorInputs,
    _ context: RunContext
  ) throws -> [RuntimeValue] {
    let names = body.graph.inputs.map(\.name)
    guard names.count == values.count else {
      throw inputs.failure("the body takes \(names.count) inputs, it is given \(values.count)")
    }
    let table = Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first })
    return try body.run(table, context: context)
  }

  private static func flag(_ value: RuntimeValue?, _ inputs: OperatorInputs) throws -> Bool {
    guard case .tensor(let tensor) = value, tensor.elementType == .bool, tensor.count == 1 else {
      throw inputs.failure("the condition must be one bool")
    }
    return tensor.elements(of: RawBool.self)[0].isTrue
  }

  private static let conditional = OperatorDefinition("If") { node, context in
    let then = try body("then_branch", node, context)
    let otherwise = try body("else_branch", node, context)
    return { inputs, context in
      let branch = try flag(inputs.value(0), inputs) ? then : otherwise
      return try run(branch, [], inputs, context)
    }
  }

  private static let loop = OperatorDefinition("Loop") { node, context in
    let body = try body("body", node, context)
    let carried = max(0, node.inputs.count - 2)
    guard body.graph.outputs.count >= carried + 1 else {
      throw node.failure("the body gives \(body.graph.outputs.count) values, too few")
    }
    return { inputs, context in
      let limit = try inputs.integer(0) ?? Int.max
      var going = try inputs.value(1).map { try flag($0, inputs) } ?? true
      var state = try (0..<carried).map { index -> RuntimeValue in
        guard let value = inputs.value(index + 2) else {
          throw inputs.failure("input \(index + 2) is missing")
        }
        return value
      }
      var collected = Array(
        repeating: [Tensor](), count: body.graph.outputs.count - carried - 1)
      var iteration = 0
      while going, iteration < limit {
        let head: [RuntimeValue] = [
          .tensor(Tensor(scalar: Int64(iteration))), .tensor(Tensor(scalar: going)),
        ]
        let results = try run(body, head + state, inputs, context)
        going = try flag(results[0], inputs)
        state = Array(results[1..<carried + 1])
        for (index, value) in results[(carried + 1)...].enumerated() {
          collected[index].append(try tensor(value, inputs))
        }
        iteration += 1
      }
      return try state
        + stacked(collected, body.graph, first: carried + 1, inputs, context).map { .tensor($0) }
    }
  }

  private static func tensor(_ value: RuntimeValue, _ inputs: OperatorInputs) throws -> Tensor {
    guard case .tensor(let tensor) = value else {
      throw inputs.failure("an output that is collected must be a tensor")
    }
    return tensor
  }

  /// Stacks what each iteration gave along a new axis; empty where there was no iteration.
  private static func stacked(
    _ collected: [[Tensor]], _ body: Graph, first: Int, axes: [Int] = [],
    _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> [Tensor] {
    try collected.enumerated().map { index, parts in
      guard let part = parts.first else {
        guard case .tensor(let type, let shape) = body.outputs[first + index].type else {
          throw inputs.failure("no iteration, and the type of the body's output is not declared")
        }
        let shapeOfNothing = [0] + (shape ?? []).map { $0.size ?? 0 }
        try inputs.checkedCount(shapeOfNothing, type)
        return type == .string
          ? Tensor(strings: [], shape: shapeOfNothing)
          : Tensor(
            elementType: type, shape: shapeOfNothing, storage: TensorStorage(byteCount: 0))
      }
      let axis = try inputs.axis(index < axes.count ? axes[index] : 0, rank: part.rank + 1)
      let rows = try parts.map { tensor -> Tensor in
        guard tensor.rank == part.rank else {
          throw inputs.failure("the body's output changes its rank")
        }
        var shape = tensor.shape
        shape.insert(1, at: axis)
        return tensor.reshaped(to: shape)
      }
      return try ConcatOperators.concatenated(rows, axis: axis, inputs, context)
    }
  }

  private static let scan = OperatorDefinition("Scan") { node, context in
    let body = try body("body", node, context)
    guard let scanned = try node.int("num_scan_inputs"), scanned > 0,
      scanned <= node.inputs.count
    else { throw node.failure("attribute 'num_scan_inputs' does not fit the inputs") }
    let carried = node.inputs.count - scanned
    let collectedCount = body.graph.outputs.count - carried
    guard collectedCount >= 0 else { throw node.failure("the body gives too few values") }
    let axes = try node.ints("scan_input_axes") ?? []
    let backward = try node.ints("scan_input_directions") ?? []
    let outputAxes = try node.ints("scan_output_axes") ?? []
    let outputBackward = try node.ints("scan_output_directions") ?? []
    return { inputs, context in
      guard (0..<carried).allSatisfy({ inputs.value($0) != nil }) else {
        throw inputs.failure("an input is missing")
      }
      var state = (0..<carried).compactMap { inputs.value($0) }
      var sequences: [Tensor] = []
      var sequenceAxes: [Int] = []
      for index in 0..<scanned {
        let x = try inputs.tensor(carried + index)
        sequences.append(x)
        sequenceAxes.append(
          try inputs.axis(index < axes.count ? axes[index] : 0, rank: x.rank))
      }
      let length = sequences[0].shape[sequenceAxes[0]]
      guard zip(sequences, sequenceAxes).allSatisfy({ $0.0.shape[$0.1] == length }) else {
        throw inputs.failure("the scanned inputs differ in length")
      }
      var collected = Array(repeating: [Tensor](), count: collectedCount)
      for step in 0..<length {
        let slices = try (0..<scanned).map { index -> RuntimeValue in
          let reversed = index < backward.count && backward[index] == 1
          return .tensor(
            try slice(
              sequences[index], axis: sequenceAxes[index],
              at: reversed ? length - 1 - step : step, inputs))
        }
        let results = try run(body, state + slices, inputs, context)
        state = Array(results[..<carried])
        for (index, value) in results[carried...].enumerated() {
          collected[index].append(try tensor(value, inputs))
        }
      }
      for index in collected.indices
      where index < outputBackward.count && outputBackward[index] == 1 {
        collected[index].reverse()
      }
      return try state
        + stacked(
          collected, body.graph, first: carried, axes: outputAxes, inputs, context
        ).map { .tensor($0) }
    }
  }

  /// One index along an axis, which disappears.
  static func slice(
    _ x: Tensor, axis: Int, at index: Int, _ inputs: OperatorInputs
  ) throws -> Tensor {
    var shape = x.shape
    shape.remove(at: axis)
    return try inputs.moving(x) { try inputs.taken($0, [index], axis: axis, shape: shape) }
  }

  private static let sequenceMap = OperatorDefinition("SequenceMap") { node, context in
    let body = try body("body", node, context)
    return { inputs, context in
      guard case .sequence(let first) = inputs.value(0) else {
        throw inputs.failure("input 0 must be a sequence")
      }
      var results = Array(repeating: [RuntimeValue](), count: body.graph.outputs.count)
      for index in first.indices {
        let values = try (0..<inputs.count).map { position -> RuntimeValue in
          switch inputs.value(position) {
          case .sequence(let list):
            guard list.count == first.count else {
              throw inputs.failure("the sequences differ in length")
            }
            return list[index]
          case .some(let value): return value
          case nil: throw inputs.failure("input \(position) is missing")
          }
        }
        for (output, value) in try run(body, values, inputs, context).enumerated() {
          results[output].append(value)
        }
      }
      return results.map { .sequence($0) }
    }
  }
}
