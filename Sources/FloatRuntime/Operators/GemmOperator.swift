import GraphIR
import Tensors

/// Gemm: `alpha * A' * B' + beta * C`; as `tapq:FusedGemm` clipped to attributes `low`, `high`.
enum GemmOperator {
  private struct Attributes: Sendable {
    let alpha: Float
    let beta: Float
    let transposeA: Bool
    let transposeB: Bool
    let clamp: Clamp

    init(_ node: Node) throws {
      alpha = try node.float("alpha") ?? 1
      beta = try node.float("beta") ?? 1
      transposeA = try node.int("transA") ?? 0 != 0
      transposeB = try node.int("transB") ?? 0 != 0
      clamp = Clamp(
        low: try node.float("low") ?? -.infinity, high: try node.float("high") ?? .infinity)
    }
  }

  @Sendable
  static func prepare(_ node: Node, _ context: PreparationContext) throws -> OperatorKernel {
    let attributes = try Attributes(node)
    let constant = context.constantInput(node, 1)
    let weight = constant.flatMap { tensor -> Tensor? in
      guard tensor.elementType == .float32, tensor.rank == 2 else { return nil }
      return attributes.transposeB ? tensor.transposedMatrix() : tensor
    }
    let operand = weight.flatMap(MatrixOperand.init)
    return { inputs, run in
      let a = try inputs.floats64(0)
      let b = try inputs.floats64(1)
      let c = try inputs.optionalTensor(2)
      guard a.rank == 2, b.rank == 2 else {
        throw RuntimeError.input(node: inputs.node, problem: "takes matrices of two axes")
      }
      let left = attributes.transposeA ? a.transposedMatrix() : a
      let right = weight ?? (attributes.transposeB ? b.transposedMatrix() : b)
      let shapes = try MatMulShapes(left.shape, right.shape, label: inputs.node)
      guard left.elementType == right.elementType,
        c.map({ $0.elementType == left.elementType }) ?? true
      else { throw inputs.typeError(1, b) }
      run.trace?.use(kernel: "gemm " + KernelSet.best.name)
      if left.elementType == .float32 {
        return [.tensor(try product(left, right, operand, c, shapes, attributes, inputs, run))]
      }
      guard let sum = ScalarMatMul.multiply(left, right, shapes) else {
        throw inputs.typeError(0, a)
      }
      return [.tensor(try finish(sum, c, attributes, inputs, Double.self))]
    }
  }

  private static func product(
    _ a: Tensor, _ b: Tensor, _ constant: MatrixOperand?, _ c: Tensor?, _ shapes: MatMulShapes,
    _ attributes: Attributes, _ inputs: OperatorInputs, _ run: RunContext
  ) throws -> Tensor {
    let columnBias =
      attributes.alpha == 1 && attributes.beta == 1 && c?.count == shapes.columns
      && c?.shape.last == shapes.columns
    let simple = columnBias || (c == nil && attributes.alpha == 1)
    let sum = a.withElements(of: Float.self) { left in
      b.withElements(of: Float.self) { right in
        (columnBias ? c : nil).withFloats { bias in
          Tensor(shape: shapes.output) { (out: UnsafeMutableBufferPointer<Float>) in
            guard let left = left.baseAddress, let right = right.baseAddress,
              let out = out.baseAddress
            else { return }
            var operands = MatrixProductOperands(
              left: left, rows: shapes.rows, depth: shapes.depth, columns: shapes.columns)
            operands.bias = bias
            if simple { operands.clamp = attributes.clamp }
            operands.multiply(right, constant: constant, into: out, pool: run.pool)
          }
        }
      }
    }
    return simple ? sum : try finish(sum, c, attributes, inputs, Float.self)
  }

  /// `clamp(alpha * sum + beta * c)`, c broadcast to the matrix.
  private static func finish<Element: TensorElement & BinaryFloatingPoint>(
    _ sum: Tensor, _ c: Tensor?, _ attributes: Attributes, _ inputs: OperatorInputs,
    _ type: Element.Type
  ) throws -> Tensor {
    let rows = sum.shape[0]
    let columns = sum.shape[1]
    var cShape = c?.shape ?? []
    cShape = Array(repeating: 1, count: max(0, 2 - cShape.count)) + cShape
    guard cShape.count == 2, cShape[0] == 1 || cShape[0] == rows,
      cShape[1] == 1 || cShape[1] == columns
    else {
      throw RuntimeError.input(
        node: inputs.node, problem: "C of shape \(cShape) does not fit [\(rows), \(columns)]")
    }
    let addends = c?.elements(of: Element.self)
    let alpha = Element(attributes.alpha)
    let beta = Element(attributes.beta)
    let low = Element(attributes.clamp.low)
    let high = Element(attributes.clamp.high)
    return sum.withElements(of: Element.self) { sums in
      Tensor(shape: sum.shape) { (out: UnsafeMutableBufferPointer<Element>) in
        for row in 0..<rows {
          for column in 0..<columns {
            var value = alpha * sums[row * columns + column]
            if let addends {
              let place = (cShape[0] == 1 ? 0 : row * cShape[1]) + (cShape[1] == 1 ? 0 : column)
              value += beta * addends[place]
            }
            out[row * columns + column] = value < low ? low : value > high ? high : value
          }
        }
      }
    }
  }
}

extension Tensor {
  /// A float32 or float64 matrix with its axes exchanged.
  func transposedMatrix() -> Tensor {
    func transpose<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      let rows = shape[0]
      let columns = shape[1]
      return withElements(of: type) { source in
        Tensor(shape: [columns, rows]) { (out: UnsafeMutableBufferPointer<Element>) in
          for row in 0..<rows {
            for column in 0..<columns { out[column * rows + row] = source[row * columns + column] }
          }
        }
      }
    }
    return elementType == .float64 ? transpose(Double.self) : transpose(Float.self)
  }
}

extension OperatorInputs {
  /// The float32 or float64 tensor at `index`.
  func floats64(_ index: Int) throws -> Tensor {
    let tensor = try tensor(index)
    guard tensor.elementType == .float32 || tensor.elementType == .float64 else {
      throw typeError(index, tensor)
    }
    return tensor
  }
}
