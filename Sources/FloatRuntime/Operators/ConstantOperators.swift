import GraphIR
import Tensors

/// Constants and tensors that are generated from a few numbers.
enum ConstantOperators {
  static let definitions: [OperatorDefinition] = [
    constant, constantOfShape, eyeLike, range, oneHot, nonZero, trilu,
  ]

  private static let constant = OperatorDefinition.tensors("Constant") { node in
    let value = try value(of: node)
    return { _, _ in [value] }
  }

  private static func value(of node: Node) throws -> Tensor {
    if let tensor = try node.tensor("value") { return tensor }
    if let number = try node.float("value_float") { return Tensor(scalar: number) }
    if let list = try node.floats("value_floats") { return Tensor(list, shape: [list.count]) }
    if let number = try node.int("value_int") { return Tensor(scalar: Int64(number)) }
    if let list = try node.ints("value_ints") {
      return Tensor(list.map { Int64($0) }, shape: [list.count])
    }
    if case .string(let text) = node.attribute("value_string") {
      return Tensor(strings: [text], shape: [])
    }
    if case .strings(let list) = node.attribute("value_strings") {
      return Tensor(strings: list, shape: [list.count])
    }
    throw node.failure("has no value of a kind that is supported (sparse values are not)")
  }

  private static let constantOfShape = OperatorDefinition.tensors("ConstantOfShape") { node in
    let value = try node.tensor("value") ?? Tensor(scalar: Float(0))
    guard value.count == 1 else { throw node.failure("attribute 'value' must hold one element") }
    return { inputs, _ in
      guard let shape = try inputs.integers(0) else { throw inputs.failure("input 0 is missing") }
      try inputs.checkedCount(shape, value.elementType)
      return [try inputs.moving(value) { try inputs.filled(shape, with: $0) }]
    }
  }

  private static let eyeLike = OperatorDefinition.tensors("EyeLike") { node in
    let (type, shift) = (try node.elementType("dtype"), try node.int("k") ?? 0)
    return { inputs, _ in
      let x = try inputs.tensor(0)
      guard x.rank == 2 else { throw inputs.failure("takes a matrix, not shape \(x.shape)") }
      try inputs.checkedCount(x.shape, .float32)
      let (rows, columns) = (x.shape[0], x.shape[1])
      let eye = Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
        out.initialize(repeating: 0)
        for row in 0..<rows {
          let (column, overflow) = row.addingReportingOverflow(shift)
          if !overflow, column >= 0, column < columns { out[row * columns + column] = 1 }
        }
      }
      return [try inputs.converted(eye, to: type ?? x.elementType)]
    }
  }

  private static let range = OperatorDefinition.tensors("Range") { _ in
    { inputs, _ in
      let type = try inputs.tensor(0).elementType
      for index in 1..<3 { try inputs.checkType(inputs.tensor(index), type, input: index) }
      if type.isInteger {
        guard let start = try inputs.integer(0), let limit = try inputs.integer(1),
          let delta = try inputs.integer(2), delta != 0
        else { throw inputs.failure("the step must not be zero") }
        let distance = Double(limit) - Double(start)
        let count = try length(distance / Double(delta), type, inputs)
        let values = (0..<count).map { Int64(start &+ $0 &* delta) }
        return [try inputs.converted(Tensor(values, shape: [count]), to: type)]
      }
      guard let start = try inputs.number(0), let limit = try inputs.number(1),
        let delta = try inputs.number(2), delta != 0
      else { throw inputs.failure("the step must not be zero") }
      let count = try length((limit - start) / delta, type, inputs)
      if type == .float64 {
        return [Tensor((0..<count).map { start + Double($0) * delta }, shape: [count])]
      }
      let values = (0..<count).map { Float(start) + Float($0) * Float(delta) }
      return [try inputs.converted(Tensor(values, shape: [count]), to: type)]
    }
  }

  private static func length(
    _ quotient: Double, _ type: ElementType, _ inputs: OperatorInputs
  ) throws -> Int {
    guard let count = Int(exactly: max(quotient.rounded(.up), 0)) else {
      throw inputs.failure("the range is not finite")
    }
    return try inputs.checkedCount([count], type == .float64 ? .float64 : .int64)
  }

  private static let oneHot = OperatorDefinition.tensors("OneHot") { node in
    let attribute = try node.int("axis") ?? -1
    return { inputs, _ in
      let (indices, values) = (try inputs.tensor(0), try inputs.tensor(2))
      let axis = try inputs.axis(attribute, rank: indices.rank + 1)
      guard let number = try inputs.number(1), let depth = Int(exactly: number.rounded(.down)),
        depth >= 0
      else { throw inputs.failure("the depth must be a number that is not negative") }
      guard values.count == 2 else { throw inputs.failure("needs two values, off and on") }
      var shape = indices.shape
      shape.insert(depth, at: axis)
      let count = try inputs.checkedCount(shape, .int64)
      let hot = try inputs.converted(indices, to: .int64).elements(of: Int64.self)
      let inner = Tensor.count(of: Array(indices.shape[axis...]))
      var choice = Array(repeating: 0, count: count)
      for (position, index) in hot.enumerated() {
        let wrapped = index < 0 ? index &+ Int64(depth) : index
        guard wrapped >= 0, wrapped < depth else { continue }
        choice[(position / inner * depth + Int(wrapped)) * inner + position % inner] = 1
      }
      return [
        try inputs.moving(values) {
          try inputs.taken($0.reshaped(to: [2]), choice, axis: 0, shape: shape)
        }
      ]
    }
  }

  private static let nonZero = OperatorDefinition.unary("NonZero") { x, inputs, _ in
    let flags: [Bool] =
      x.elementType == .string
      ? x.strings.map { !$0.isEmpty }
      : try inputs.converted(x, to: .bool).elements(of: RawBool.self).map(\.isTrue)
    let positions = flags.indices.filter { flags[$0] }
    let steps = Tensor.steps(of: x.shape)
    let columns = x.shape.indices.flatMap { axis in
      positions.map { Int64($0 / steps[axis] % x.shape[axis]) }
    }
    return Tensor(columns, shape: [x.rank, positions.count])
  }

  private static let trilu = OperatorDefinition.tensors("Trilu") { node in
    let upper = try node.flag("upper", default: true)
    return { inputs, _ in
      let x = try inputs.tensor(0)
      let diagonal = try inputs.integer(1) ?? 0
      guard x.rank >= 2 else { throw inputs.failure("takes matrices, not shape \(x.shape)") }
      let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
      return try inputs.moving([x, Tensor.zero(x.elementType)]) { cells in
        let result = try inputs.filled(x.shape, with: cells[1])
        let cell = cells[0].elementType.cellSize
        for row in 0..<x.count / max(columns, 1) {
          let (edge, overflow) = (row % rows).addingReportingOverflow(diagonal)
          let split = overflow ? (diagonal < 0 ? 0 : columns) : edge
          let kept =
            upper
            ? min(max(split, 0), columns)..<columns
            : 0..<min(max(split, -1), columns - 1) + 1
          let offset = (row * columns + kept.lowerBound) * cell
          result.storage.mutableBytes.baseAddress?.advanced(by: offset).copyMemory(
            from: cells[0].storage.base + offset, byteCount: kept.count * cell)
        }
        return [result]
      }
    }
  }
}
