/// The value of a part of a formula for one layer.
struct LayerValue {
  let type: ValueType
  /// Row-major in the type's shape; one number for a scalar.
  let values: [Double]

  init(_ type: ValueType, _ values: [Double]) {
    self.type = type
    self.values = values
  }

  init(_ number: Double) { self.init(.scalar, [number]) }

  func map(_ body: (Double) -> Double) -> LayerValue { LayerValue(type, values.map(body)) }

  /// Repeated along the axes that it lacks.
  func expanded(to type: ValueType, shape: LayerShape) -> LayerValue {
    guard type != self.type else { return self }
    let count = shape.count(type)
    let values = [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      switch self.type {
      case .rows:
        for row in 0..<shape.outputs {
          for column in 0..<shape.fanIn {
            buffer[row * shape.fanIn + column] = self.values[row]
          }
        }
      case .columns:
        for row in 0..<shape.outputs {
          let start = row / shape.rowsPerGroup * shape.fanIn
          for column in 0..<shape.fanIn {
            buffer[row * shape.fanIn + column] = self.values[start + column]
          }
        }
      default:
        buffer.initialize(repeating: self.values.first ?? 0)
      }
      initialized = count
    }
    return LayerValue(type, values)
  }

  static func elementwise(
    _ primitive: Primitive, _ a: LayerValue, _ b: LayerValue, shape: LayerShape
  ) -> LayerValue {
    let type = a.type.joined(b.type)
    if b.type == .scalar {
      let number = b.values[0]
      return a.map { Arithmetic.binary(primitive, $0, number) }
    }
    if a.type == .scalar {
      let number = a.values[0]
      return b.map { Arithmetic.binary(primitive, number, $0) }
    }
    let (left, right) = (a.expanded(to: type, shape: shape), b.expanded(to: type, shape: shape))
    return LayerValue(
      type, zip(left.values, right.values).map { Arithmetic.binary(primitive, $0, $1) })
  }

  func reduced(_ primitive: Primitive) -> LayerValue {
    LayerValue(
      values.withUnsafeBufferPointer {
        Arithmetic.reduction(primitive, $0, count: $0.count)
      })
  }

  /// Along the inputs.
  func rowReduced(_ primitive: Primitive, shape: LayerShape) -> LayerValue {
    values.withUnsafeBufferPointer { values in
      LayerValue(
        .rows,
        (0..<shape.outputs).map {
          Arithmetic.reduction(
            primitive, values, from: $0 * shape.fanIn, count: shape.fanIn)
        })
    }
  }

  /// Along the output channels of each group.
  func columnReduced(_ primitive: Primitive, shape: LayerShape) -> LayerValue {
    values.withUnsafeBufferPointer { values in
      LayerValue(
        .columns,
        (0..<shape.groups * shape.fanIn).map { index in
          let (group, column) = (index / shape.fanIn, index % shape.fanIn)
          return Arithmetic.reduction(
            primitive, values, from: group * shape.rowsPerGroup * shape.fanIn + column,
            count: shape.rowsPerGroup, stride: shape.fanIn)
        })
    }
  }

  func reshaped(_ primitive: Primitive, shape: LayerShape) -> LayerValue {
    switch primitive {
    case .normalize:
      let (mean, deviation) = (reduced(.mean).values[0], reduced(.std).values[0])
      return map { deviation > 0 ? ($0 - mean) / deviation : deviation == 0 ? 0 : .nan }
    case .minmax:
      let (low, high) = (reduced(.min).values[0], reduced(.max).values[0])
      return map { high > low ? ($0 - low) / (high - low) : high == low ? 0 : .nan }
    default: return softmax(isLogarithm: primitive == .logsoftmax, shape: shape)
    }
  }

  /// Over the output channels, which is the first axis; over all entries of a vector.
  private func softmax(isLogarithm: Bool, shape: LayerShape) -> LayerValue {
    let columns = type == .matrix ? shape.fanIn : 1
    let count = values.count / max(columns, 1)
    var result = values
    for column in 0..<columns {
      var high = -Double.infinity
      for row in 0..<count { high = max(high, values[row * columns + column]) }
      var total = 0.0
      for row in 0..<count {
        total += Arithmetic.unary(.exp, values[row * columns + column] - high)
      }
      let offset = high + Arithmetic.unary(.log, total)
      for row in 0..<count {
        let logarithm = values[row * columns + column] - offset
        result[row * columns + column] =
          isLogarithm ? logarithm : Arithmetic.unary(.exp, logarithm)
      }
    }
    return LayerValue(type, result)
  }
}
