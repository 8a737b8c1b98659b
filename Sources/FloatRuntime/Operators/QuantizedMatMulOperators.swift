import GraphIR
import Tensors

/// QLinearMatMul, MatMulInteger, and two forms that the engine's fusion makes, with exact int32 sums:
/// `tapq:QLinearGemm` is QLinearMatMul with an int32 bias (input 8); `tapq:IntegerGemm` takes the
/// inputs before the output's scale, then the bias, and gives `float(sum) * (a_scale * b_scale)`.
enum QuantizedMatMulOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("QLinearMatMul") { try quantized($0, $1) },
    OperatorDefinition("QLinearGemm", domain: ConvolutionOperators.fusedDomain) {
      try quantized($0, $1)
    },
    OperatorDefinition("IntegerGemm", domain: ConvolutionOperators.fusedDomain) {
      try dequantizing($0, $1)
    },
    OperatorDefinition("MatMulInteger") { _, _ in
      { inputs, run in
        let a = try inputs.tensor(0)
        let b = try inputs.tensor(1)
        let product = try IntegerMatMul(
          a, zeros: inputs.zeros(2), b, zeros: inputs.zeros(3), bias: nil, inputs: inputs)
        return [.tensor(try product.sums(cached: nil, mayWrap: true, run).integers)]
      }
    },
  ]

  private static func quantized(
    _ node: Node, _ context: PreparationContext
  ) throws -> OperatorKernel {
    let product = QuantizedProduct(node, context, bias: 8)
    return { inputs, run in
      let y = try inputs.affine(scale: 6, zero: 7)
      let outputType = try inputs.resultType(7)
      guard y.scales.count == 1 else {
        throw RuntimeError.input(node: inputs.node, problem: "the result must have one scale")
      }
      let (sums, inputScale, weightScales) = try product.sums(inputs, run)
      let requantizer = Requantizer(
        inputScale: inputScale, weightScales: weightScales, outputScale: y.scales[0],
        zero: y.zeros.first ?? 0, elementType: outputType)
      return [.tensor(requantizer.apply(sums, channelArea: nil, pool: run.pool))]
    }
  }

  private static func dequantizing(
    _ node: Node, _ context: PreparationContext
  ) throws -> OperatorKernel {
    let product = QuantizedProduct(node, context, bias: 6)
    return { inputs, run in
      let (sums, inputScale, weightScales) = try product.sums(inputs, run)
      let multipliers = weightScales.map { inputScale * $0 }
      let result = sums.withElements(of: Float.self) { source in
        Tensor(shape: sums.shape) { (out: UnsafeMutableBufferPointer<Float>) in
          for index in source.indices {
            out[index] = source[index] * multipliers[index % multipliers.count]
          }
        }
      }
      return [.tensor(result)]
    }
  }
}

/// The sums of a node whose first inputs are a, its scale and zero, b, its scales and zeros.
private struct QuantizedProduct: Sendable {
  private let cache: ShapeCache<[Int], IntegerMatrix>?
  private let biasInput: Int

  init(_ node: Node, _ context: PreparationContext, bias: Int) {
    biasInput = bias
    cache =
      context.constantInput(node, 3) != nil && context.isConstant(node, 5)
        && context.isConstant(node, bias) ? ShapeCache<[Int], IntegerMatrix>() : nil
  }

  func sums(
    _ inputs: OperatorInputs, _ run: RunContext
  ) throws -> (sums: Tensor, inputScale: Float, weightScales: [Float]) {
    let a = try inputs.affine(scale: 1, zero: 2, of: 0)
    let b = try inputs.affine(scale: 4, zero: 5, of: 3)
    let product = try IntegerMatMul(
      inputs.tensor(0), zeros: a.zeros, inputs.tensor(3), zeros: b.zeros,
      bias: inputs.optionalTensor(biasInput)?.elements(of: Int32.self, node: inputs.node),
      inputs: inputs)
    let sums = try product.sums(cached: cache, mayWrap: false, run).floats
    guard a.scales.count == 1, b.scales.count == 1 || b.scales.count == product.shapes.columns
    else {
      throw RuntimeError.input(
        node: inputs.node, problem: "scales must be one, or one for each column of B")
    }
    run.trace?.use(kernel: "integer-gemm " + KernelSet.best.name)
    return (sums, a.scales[0], b.scales)
  }
}

/// The operands of one integer matrix product.
private struct IntegerMatMul {
  let shapes: MatMulShapes
  private let left: Tensor
  private let right: Tensor
  private let bias: [Int32]?
  private let reach: Int
  private let key: [Int]
  private let label: String

  init(
    _ a: Tensor, zeros aZeros: [Int], _ b: Tensor, zeros bZeros: [Int], bias: [Int32]?,
    inputs: OperatorInputs
  ) throws {
    shapes = try MatMulShapes(a.shape, b.shape, label: inputs.node)
    label = inputs.node
    left = try IntegerMatMul.widened(a, zeros: aZeros, line: shapes.depth, inputs)
    right = try IntegerMatMul.widened(b, zeros: bZeros, line: nil, inputs)
    self.bias = bias
    guard bias == nil || bias?.count == shapes.columns else {
      throw RuntimeError.input(
        node: inputs.node, problem: "bias does not have \(shapes.columns) values")
    }
    reach =
      (aZeros.isEmpty ? [0] : aZeros).map { Tensor.reach(of: a.elementType, zero: $0) }.max()
      ?? 0
    key = [reach]
  }

  /// Subtracts one zero point, one for each row (lines of `line` elements), or one for each
  /// column.
  private static func widened(
    _ x: Tensor, zeros: [Int], line: Int?, _ inputs: OperatorInputs
  ) throws -> Tensor {
    if zeros.count <= 1 { return try inputs.widened(x, zero: zeros.first ?? 0) }
    let columns = x.shape.last ?? 1
    let rows = x.rank > 1 ? x.shape[x.rank - 2] : 1
    guard zeros.count == (line == nil ? columns : rows) else {
      throw RuntimeError.input(
        node: inputs.node, problem: "\(zeros.count) zero points do not fit shape \(x.shape)")
    }
    return try inputs.widened(x, zero: 0).withElements(of: Float.self) { source in
      Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
        for index in source.indices {
          let zero = zeros[line == nil ? index % columns : index / columns % rows]
          out[index] = source[index] - Float(zero)
        }
      }
    }
  }

  /// `cached` keeps the right-hand matrix of a constant weight. Throws where a sum could leave
  /// int32, unless it may wrap.
  func sums(
    cached: ShapeCache<[Int], IntegerMatrix>?, mayWrap: Bool, _ run: RunContext
  ) throws -> IntegerSums {
    let joined = shapes.rightBatch == 1
    let rows = joined ? shapes.batch * shapes.rows : shapes.rows
    let parts = try left.withElements(of: Float.self) { source -> [IntegerSums] in
      guard let start = source.baseAddress, !source.isEmpty else { return [] }
      return try (0..<(joined ? 1 : shapes.batch)).map { batch in
        let matrix =
          joined
          ? cached?.value(for: key) { rightMatrix(batch) } ?? rightMatrix(batch)
          : rightMatrix(batch)
        guard mayWrap || matrix.fitsInt32 else {
          throw RuntimeError.input(node: label, problem: "sums could overflow int32")
        }
        return matrix.sums(
          start + shapes.leftOffsets[batch], rows: rows,
          shape: joined ? shapes.output : [shapes.rows, shapes.columns], pool: run.pool)
      }
    }
    if parts.count == 1, joined { return parts[0] }
    let all = parts.flatMap { $0.integers.elements(of: Int32.self) }
    let count = Tensor.count(of: shapes.output)
    return .wide(
      all.count == count ? all : Array(repeating: 0, count: count), shape: shapes.output)
  }

  private func rightMatrix(_ batch: Int) -> IntegerMatrix {
    let offset = shapes.rightOffsets[batch]
    let part = right.withElements(of: Float.self) {
      Tensor(
        Array($0[offset..<offset + shapes.depth * shapes.columns]),
        shape: [shapes.depth, shapes.columns])
    }
    return IntegerMatrix(part, bias: bias, reach: reach)
  }
}
