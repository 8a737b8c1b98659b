import GraphIR
import Parallelism
import Tensors

/// Normalizations by the statistics of rows: layer, instance, group, root-mean-square, L1/L2 and
/// mean-variance normalization.
enum NormalizationOperators {
  static let definitions: [OperatorDefinition] = [
    layer, residual, rootMeanSquare, instance, group, meanVariance, lp,
  ]

  private static let layer = OperatorDefinition.tensors("LayerNormalization", layerKernel)

  /// `tapq:ResidualNormalization`, which the engine's fusion makes: input 3 is added first.
  private static let residual = OperatorDefinition.tensors(
    "ResidualNormalization", domain: ConvolutionOperators.fusedDomain, layerKernel)

  @Sendable
  private static func layerKernel(_ node: Node) throws -> TensorKernel {
    let axis = try node.int("axis") ?? -1
    let epsilon = try node.float("epsilon") ?? 1e-5
    return { inputs, context in
      var x = try inputs.tensor(0)
      var addend = try inputs.optionalTensor(3)
      if let other = addend, other.shape != x.shape || x.elementType != .float32 {
        x = try ArithmeticOperators.calculate(Add(), x, other, inputs, context.pool)
        addend = nil
      }
      let axis = try inputs.axis(axis, rank: x.rank)
      let rows = Tensor.count(of: Array(x.shape[..<axis]))
      let statistics = Array(x.shape[..<axis]) + Array(repeating: 1, count: x.rank - axis)
      if let dense = try DenseNormalization(
        x, addend: addend, scale: inputs.tensor(1), bias: inputs.optionalTensor(2),
        row: Array(x.shape[axis...]), epsilon: epsilon)
      {
        let (y, mean, inverse) = dense.run(rows: rows, pool: context.pool)
        return [y, mean.reshaped(to: statistics), inverse.reshaped(to: statistics)]
      }
      if let addend {
        x = try ArithmeticOperators.calculate(Add(), x, addend, inputs, context.pool)
      }
      let result = try normalize(x, rows: rows, epsilon: epsilon, inputs, context)
      return [
        try scaled(result.normalized, like: x, inputs, context),
        result.mean.reshaped(to: statistics).narrowed(to: .float32),
        result.inverseDeviation.reshaped(to: statistics).narrowed(to: .float32),
      ]
    }
  }

  private static let rootMeanSquare = OperatorDefinition.tensors("RMSNormalization") { node in
    let axis = try node.int("axis") ?? -1
    let function = RootMeanSquare(epsilon: try node.float("epsilon") ?? 1e-5)
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axis = try inputs.axis(axis, rank: x.rank)
      let wide = try inputs.widenedFloat(x)
      let rows = Tensor.count(of: Array(x.shape[..<axis]))
      let normalized = Rows.map(
        function, wide, rows: rows, count: rows == 0 ? 0 : x.count / rows, pool: context.pool)
      return [try scaled(normalized, like: x, inputs, context)]
    }
  }

  /// Multiplies by input 1 and adds input 2 where it is given; both broadcast to `x`.
  private static func scaled(
    _ normalized: Tensor, like x: Tensor, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> Tensor {
    let scale = try inputs.converted(inputs.tensor(1), to: normalized.elementType)
    var y = try ArithmeticOperators.calculate(
      Multiply(), normalized, scale, inputs, context.pool)
    if let bias = try inputs.optionalTensor(2) {
      y = try ArithmeticOperators.calculate(
        Add(), y, inputs.converted(bias, to: normalized.elementType), inputs, context.pool)
    }
    guard y.shape == x.shape else {
      throw inputs.failure("scale or bias does not broadcast to \(x.shape)")
    }
    return y.narrowed(to: x.elementType)
  }

  private static let instance = OperatorDefinition.tensors("InstanceNormalization") { node in
    let epsilon = try node.float("epsilon") ?? 1e-5
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard x.rank >= 2 else { throw inputs.failure("input of shape \(x.shape) has no channels") }
      return [
        try perChannel(x, rows: x.shape[0] * x.shape[1], epsilon: epsilon, inputs, context)
      ]
    }
  }

  private static let group = OperatorDefinition.tensors("GroupNormalization") { node in
    let epsilon = try node.float("epsilon") ?? 1e-5
    guard let groups = try node.int("num_groups") else {
      throw GraphError.attributeMissing(node: node.label, attribute: "num_groups")
    }
    return { inputs, context in
      let x = try inputs.tensor(0)
      guard x.rank >= 2, groups > 0, x.shape[1] % groups == 0 else {
        throw inputs.failure("\(groups) groups do not divide the channels of \(x.shape)")
      }
      return [try perChannel(x, rows: x.shape[0] * groups, epsilon: epsilon, inputs, context)]
    }
  }

  /// Normalizes rows, then scales and shifts each channel (axis 1).
  private static func perChannel(
    _ x: Tensor, rows: Int, epsilon: Float, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> Tensor {
    let normalized = try normalize(x, rows: rows, epsilon: epsilon, inputs, context).normalized
    let shape = [x.shape[1]] + Array(repeating: 1, count: x.rank - 2)
    func channels(_ index: Int) throws -> Tensor {
      let values = try inputs.tensor(index)
      guard values.shape == [x.shape[1]] else {
        throw inputs.failure("input \(index) has shape \(values.shape), must be [\(x.shape[1])]")
      }
      return try inputs.converted(values, to: normalized.elementType).reshaped(to: shape)
    }
    let scaled = try ArithmeticOperators.calculate(
      Multiply(), normalized, channels(1), inputs, context.pool)
    return try ArithmeticOperators.calculate(
      Add(), scaled, channels(2), inputs, context.pool
    ).narrowed(to: x.elementType)
  }

  private struct Normalized {
    let normalized: Tensor
    let mean: Tensor
    let inverseDeviation: Tensor
  }

  /// Results are in the compute type; statistics have one element a row.
  private static func normalize(
    _ x: Tensor, rows: Int, epsilon: Float, _ inputs: OperatorInputs, _ context: RunContext
  ) throws -> Normalized {
    let wide = try inputs.widenedFloat(x)
    return wide.elementType == .float64
      ? normalize(wide, of: Double.self, rows, epsilon, context.pool)
      : normalize(wide, of: Float.self, rows, epsilon, context.pool)
  }

  private static func normalize<T: FloatElement>(
    _ x: Tensor, of: T.Type, _ rows: Int, _ epsilon: Float, _ pool: WorkerPool
  ) -> Normalized {
    let count = rows == 0 ? 0 : x.count / rows
    var y = x
    var means = x
    let deviations = x.withElements(of: T.self) { source in
      Tensor(shape: [rows]) { (inverse: UnsafeMutableBufferPointer<T>) in
        means = Tensor(shape: [rows]) { (mean: UnsafeMutableBufferPointer<T>) in
          y = Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<T>) in
            guard count > 0, let from = source.baseAddress, let to = out.baseAddress,
              let inverse = inverse.baseAddress, let mean = mean.baseAddress
            else { return }
            nonisolated(unsafe) let (input, output, means, scales) = (from, to, mean, inverse)
            let batch = max(1, Elementwise.chunk / count)
            pool.forEach((rows + batch - 1) / batch) { task in
              for row in task * batch..<min((task + 1) * batch, rows) {
                let (values, results) = (input + row * count, output + row * count)
                let center = Rows.fold(SumReduction(), values, count) / T(count)
                let spread = Rows.fold(SquareDistance(center: Double(center)), values, count)
                let scale = 1 / (spread / T(count) + T(epsilon)).squareRoot()
                for index in 0..<count { results[index] = (values[index] - center) * scale }
                means[row] = center
                scales[row] = scale
              }
            }
          }
        }
      }
    }
    return Normalized(normalized: y, mean: means, inverseDeviation: deviations)
  }

  private static let meanVariance = OperatorDefinition.tensors("MeanVarianceNormalization") {
    node in
    let axes = try node.ints("axes") ?? [0, 2, 3]
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axes = try Set(axes.map { try inputs.axis($0, rank: x.rank) }).sorted()
      return [try Rows.map(Standardize(), x, axes: axes, inputs, pool: context.pool)]
    }
  }

  private static let lp = OperatorDefinition.tensors("LpNormalization") { node in
    let axis = try node.int("axis") ?? -1
    let power = try node.int("p") ?? 2
    guard power == 1 || power == 2 else { throw node.failure("p is \(power), must be 1 or 2") }
    return { inputs, context in
      let x = try inputs.tensor(0)
      let axes = [try inputs.axis(axis, rank: x.rank)]
      return [
        try Rows.map(UnitNorm(squares: power == 2), x, axes: axes, inputs, pool: context.pool)
      ]
    }
  }
}

private struct SquareDistance: Reduction {
  let center: Double
  func initial<T: ComputeElement>(_: T.Type) -> T { .zero }
  func map<T: ComputeElement>(_ x: T) -> T {
    let distance = T.minus(x, T(truncatingReal: center))
    return .times(distance, distance)
  }
  func combine<T: ComputeElement>(_ a: T, _ b: T) -> T { .plus(a, b) }
}

private struct RootMeanSquare: RowFunction {
  let epsilon: Float
  func apply<T: FloatElement>(
    _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
  ) {
    let mean = Rows.fold(SumSquareReduction(), row, count) / T(count)
    let scale = 1 / (mean + T(epsilon)).squareRoot()
    for index in 0..<count { out[index] = row[index] * scale }
  }
}

/// Mean zero, variance one; the specification adds 1e-9 to the deviation.
private struct Standardize: RowFunction {
  func apply<T: FloatElement>(
    _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
  ) {
    let center = Rows.fold(SumReduction(), row, count) / T(count)
    let spread = Rows.fold(SquareDistance(center: Double(center)), row, count) / T(count)
    let deviation = spread.squareRoot() + T(1e-9)
    for index in 0..<count { out[index] = (row[index] - center) / deviation }
  }
}

/// Divided by the L1 or L2 norm; zero where the norm is zero.
private struct UnitNorm: RowFunction {
  let squares: Bool
  func apply<T: FloatElement>(
    _ row: UnsafePointer<T>, _ out: UnsafeMutablePointer<T>, _ count: Int
  ) {
    var norm = T.zero
    for index in 0..<count { norm += squares ? row[index] * row[index] : row[index].magnitude }
    if squares { norm = norm.squareRoot() }
    for index in 0..<count { out[index] = norm == 0 ? 0 : row[index] / norm }
  }
}
