import GraphIR
import Tensors

/// RNN, GRU and LSTM: what they share, directions, layouts and lengths of sequences.
enum RecurrentOperators {
  static let definitions: [OperatorDefinition] = [
    define("RNN", gates: 1, activations: [.tanh]) { SimpleCell($0) },
    define("GRU", gates: 3, activations: [.sigmoid, .tanh]) { GatedCell($0) },
    define("LSTM", gates: 4, activations: [.sigmoid, .tanh, .tanh]) { MemoryCell($0) },
  ]

  private enum Direction: String, CaseIterable { case forward, reverse, bidirectional }

  /// The inputs of one run, in float32, steps first.
  private struct Problem {
    var x: [Float]
    let steps: Int
    let batch: Int
    let features: Int
    let lengths: [Int]
  }

  private static func define<Cell: RecurrentCell>(
    _ name: String, gates: Int, activations defaults: [RecurrentActivation.Kind],
    _ make: @escaping @Sendable (RecurrentWeights) -> Cell
  ) -> OperatorDefinition {
    .tensors(name) { node in
      let direction = try node.choice("direction", default: Direction.forward)
      let directions = direction == .bidirectional ? 2 : 1
      let batchFirst = try node.flag("layout", default: false)
      let hiddenSize = try node.int("hidden_size")
      var options = RecurrentOptions()
      options.clip = try node.float("clip")
      options.linearBeforeReset = try node.flag("linear_before_reset", default: false)
      options.couplesForget = try node.flag("input_forget", default: false)
      let functions = try RecurrentActivation.list(
        node, defaults: Array(repeating: defaults, count: directions).flatMap { $0 })
      return { [options] inputs, _ in
        let type = try inputs.tensor(0).elementType
        let problem = try problem(inputs, batchFirst: batchFirst)
        let weights = try weights(
          inputs, gates: gates, directions: directions, features: problem.features,
          hiddenSize: hiddenSize, activations: functions, options)
        let hidden = weights[0].hidden
        let size = problem.batch * hidden
        let rows = try inputs.checkedCount([problem.steps, problem.batch], .float32)
        try inputs.checkedCount([rows, directions, gates, hidden], .float32)
        guard rows <= Int32.max, gates * hidden <= Int32.max, problem.features <= Int32.max else {
          throw inputs.failure("input \(try inputs.tensor(0).shape) is too large")
        }
        let starts = try [5, 6].map { index in
          try state(inputs, index, directions, problem.batch, hidden, batchFirst)
        }
        var output = Array(repeating: Float(0), count: problem.steps * directions * size)
        var last = starts
        for (index, weight) in weights.enumerated() {
          var states = starts.map { Array($0[index * size..<(index + 1) * size]) }
          let reverse = direction == .reverse || index == 1
          let cell = make(weight)
          run(cell, problem, reverse: reverse, &states) { step, row, values in
            let to = ((step * directions + index) * problem.batch + row) * hidden
            output.replaceSubrange(to..<to + hidden, with: values)
          }
          for (slot, values) in states.enumerated() {
            last[slot].replaceSubrange(index * size..<(index + 1) * size, with: values)
          }
        }
        let (steps, batch) = (problem.steps, problem.batch)
        var results = [
          batchFirst
            ? Tensor(
              moved(output, [steps, directions, batch, hidden], [2, 0, 1, 3]),
              shape: [batch, steps, directions, hidden])
            : Tensor(output, shape: [steps, directions, batch, hidden])
        ]
        results += last.prefix(gates == 4 ? 2 : 1).map { values in
          batchFirst
            ? Tensor(
              moved(values, [directions, batch, hidden], [1, 0, 2]),
              shape: [batch, directions, hidden])
            : Tensor(values, shape: [directions, batch, hidden])
        }
        return results.map { $0.narrowed(to: type) }
      }
    }
  }

  /// Runs a cell over the steps of one direction. Rows whose sequence has ended keep their state.
  private static func run<Cell: RecurrentCell>(
    _ cell: Cell, _ problem: Problem, reverse: Bool, _ states: inout [[Float]],
    _ emit: (_ step: Int, _ row: Int, _ values: ArraySlice<Float>) -> Void
  ) {
    let (batch, hidden) = (problem.batch, cell.weights.hidden)
    let width = problem.features
    let projected = cell.weights.projectInput(problem.x, rows: problem.steps * batch, width)
    let gateWidth = cell.weights.gates * hidden
    for step in 0..<(problem.lengths.max() ?? 0) {
      let active = (0..<batch).filter { step < problem.lengths[$0] }
      let times = active.map { reverse ? problem.lengths[$0] - 1 - step : step }
      var gates: [Float] = []
      var (h, c): ([Float], [Float]) = ([], [])
      for (row, time) in zip(active, times) {
        let from = (time * batch + row) * gateWidth
        gates += projected[from..<from + gateWidth]
        h += states[0][row * hidden..<(row + 1) * hidden]
        c += states[1][row * hidden..<(row + 1) * hidden]
      }
      cell.advance(rows: active.count, gates, &h, &c)
      for (index, row) in active.enumerated() {
        let part = index * hidden..<(index + 1) * hidden
        states[0].replaceSubrange(row * hidden..<(row + 1) * hidden, with: h[part])
        states[1].replaceSubrange(row * hidden..<(row + 1) * hidden, with: c[part])
        emit(times[index], row, h[part])
      }
    }
  }

  private static func problem(_ inputs: OperatorInputs, batchFirst: Bool) throws -> Problem {
    let x = try inputs.tensor(0)
    guard x.rank == 3 else { throw inputs.failure("input 0 must have 3 axes, not \(x.shape)") }
    var values = try floats(x, inputs)
    if batchFirst { values = moved(values, x.shape, [1, 0, 2]) }
    let (steps, batch) = batchFirst ? (x.shape[1], x.shape[0]) : (x.shape[0], x.shape[1])
    let lengths = try inputs.integers(4) ?? Array(repeating: steps, count: batch)
    guard lengths.count == batch, lengths.allSatisfy({ $0 >= 0 && $0 <= steps }) else {
      throw inputs.failure("sequence lengths \(lengths) do not fit input \(x.shape)")
    }
    return Problem(x: values, steps: steps, batch: batch, features: x.shape[2], lengths: lengths)
  }

  private static func weights(
    _ inputs: OperatorInputs, gates: Int, directions: Int, features: Int, hiddenSize: Int?,
    activations: [RecurrentActivation], _ options: RecurrentOptions
  ) throws -> [RecurrentWeights] {
    let (w, r) = (try inputs.tensor(1), try inputs.tensor(2))
    let hidden = hiddenSize ?? (r.shape.last ?? 0)
    let (rows, overflow) = hidden.multipliedReportingOverflow(by: gates)
    guard !overflow, hidden > 0, w.shape == [directions, rows, features],
      r.shape == [directions, rows, hidden]
    else {
      throw inputs.failure(
        "weights \(w.shape) and \(r.shape) do not fit \(features) features, \(hidden) units")
    }
    let bias = try inputs.optionalTensor(3)
    let peepholes = gates == 4 ? try inputs.optionalTensor(7) : nil
    guard bias.map({ $0.shape == [directions, 2 * rows] }) ?? true,
      peepholes.map({ $0.shape == [directions, 3 * hidden] }) ?? true
    else { throw inputs.failure("bias or peepholes do not fit \(hidden) units") }
    let lists = try [w, r].map { try floats($0, inputs) }
    let biases = try bias.map { try floats($0, inputs) }
    let peeps = try peepholes.map { try floats($0, inputs) }
    let perDirection = activations.count / directions
    return (0..<directions).map { index in
      func part(_ list: [Float]?) -> [Float] {
        guard let list else { return [] }
        let size = list.count / directions
        return Array(list[index * size..<(index + 1) * size])
      }
      return RecurrentWeights(
        gates: gates, hidden: hidden, input: part(lists[0]), recurrent: part(lists[1]),
        bias: part(biases), peepholes: part(peeps),
        activations: Array(activations[index * perDirection..<(index + 1) * perDirection]),
        options: options)
    }
  }

  /// An initial state, directions first; zero where it is omitted.
  private static func state(
    _ inputs: OperatorInputs, _ index: Int, _ directions: Int, _ batch: Int, _ hidden: Int,
    _ batchFirst: Bool
  ) throws -> [Float] {
    guard let tensor = try inputs.optionalTensor(index) else {
      let count = try inputs.checkedCount([directions, batch, hidden], .float32)
      return Array(repeating: 0, count: count)
    }
    let shape = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    guard tensor.shape == shape else {
      throw inputs.failure("initial state \(tensor.shape) must have shape \(shape)")
    }
    let values = try floats(tensor, inputs)
    return batchFirst ? moved(values, shape, [1, 0, 2]) : values
  }

  private static func floats(_ tensor: Tensor, _ inputs: OperatorInputs) throws -> [Float] {
    try inputs.converted(inputs.widenedFloat(tensor), to: .float32).elements(of: Float.self)
  }

  private static func moved(_ values: [Float], _ shape: [Int], _ order: [Int]) -> [Float] {
    let steps = Tensor.steps(of: shape)
    var result: [Float] = []
    result.reserveCapacity(values.count)
    StridedWalk(extents: order.map { shape[$0] }, steps: [order.map { steps[$0] }]).forEach {
      result.append(values[$0[0]])
    }
    return result
  }
}
