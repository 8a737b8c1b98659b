import GraphIR
import Tensors

/// MatMul and Gemm.
enum MatMulOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("MatMul") { node, context in
      let right = context.constantInput(node, 1).flatMap(MatrixOperand.init)
      let label = node.label
      return { inputs, run in
        let a = try inputs.tensor(0)
        let b = try inputs.tensor(1)
        let shapes = try MatMulShapes(a.shape, b.shape, label: label)
        guard a.elementType == b.elementType else {
          throw RuntimeError.input(
            node: label, problem: "multiplies \(a.elementType) by \(b.elementType)")
        }
        if a.elementType == .float32 {
          return [.tensor(floatProduct(a, b, constant: right, shapes, run))]
        }
        guard let result = ScalarMatMul.multiply(a, b, shapes) else {
          throw inputs.typeError(0, a)
        }
        return [.tensor(result)]
      }
    },
    OperatorDefinition("Gemm", prepare: GemmOperator.prepare),
    OperatorDefinition("FusedGemm", domain: ConvolutionOperators.fusedDomain) {
      try GemmOperator.prepare($0, $1)
    },
  ]

  private static func floatProduct(
    _ a: Tensor, _ b: Tensor, constant: MatrixOperand?, _ shapes: MatMulShapes, _ run: RunContext
  ) -> Tensor {
    run.trace?.use(kernel: "gemm " + KernelSet.best.name)
    // One matrix on the right: all batches of the left are rows of one product.
    let joined = shapes.rightBatch == 1
    let rows = joined ? shapes.batch * shapes.rows : shapes.rows
    return a.withElements(of: Float.self) { left in
      b.withElements(of: Float.self) { right in
        Tensor(shape: shapes.output) { (out: UnsafeMutableBufferPointer<Float>) in
          guard let left = left.baseAddress, let right = right.baseAddress,
            let out = out.baseAddress
          else { return }
          for batch in 0..<(joined ? 1 : shapes.batch) {
            let operand = MatrixProductOperands(
              left: left + shapes.leftOffsets[batch], rows: rows, depth: shapes.depth,
              columns: shapes.columns)
            operand.multiply(
              right + shapes.rightOffsets[batch], constant: joined ? constant : nil,
              into: out + batch * rows * shapes.columns, pool: run.pool)
          }
        }
      }
    }
  }
}

/// Shapes of a numpy matrix product: vectors are promoted, batch axes broadcast.
struct MatMulShapes: Sendable {
  let rows: Int
  let depth: Int
  let columns: Int
  let output: [Int]
  /// Offsets of the operands' matrices in elements, for each matrix of the output.
  let leftOffsets: [Int]
  let rightOffsets: [Int]
  let rightBatch: Int

  var batch: Int { leftOffsets.count }

  init(_ left: [Int], _ right: [Int], label: String) throws {
    let a = left.count == 1 ? [1] + left : left
    let b = right.count == 1 ? right + [1] : right
    guard a.count >= 2, b.count >= 2, a[a.count - 1] == b[b.count - 2] else {
      throw RuntimeError.input(node: label, problem: "cannot multiply \(left) by \(right)")
    }
    rows = a[a.count - 2]
    depth = a[a.count - 1]
    columns = b[b.count - 1]
    let rank = max(a.count, b.count) - 2
    let aBatch = Array(repeating: 1, count: rank + 2 - a.count) + a.dropLast(2)
    let bBatch = Array(repeating: 1, count: rank + 2 - b.count) + b.dropLast(2)
    var batchShape: [Int] = []
    for (x, y) in zip(aBatch, bBatch) {
      guard x == y || x == 1 || y == 1 else {
        throw RuntimeError.input(node: label, problem: "cannot multiply \(left) by \(right)")
      }
      batchShape.append(x == 1 ? y : x)
    }
    output =
      batchShape + (left.count == 1 ? [] : [rows]) + (right.count == 1 ? [] : [columns])
    guard Tensor.checkedCount(of: batchShape + [rows, columns]) != nil else {
      throw RuntimeError.input(node: label, problem: "\(left) by \(right) is too large")
    }
    leftOffsets = MatMulShapes.offsets(aBatch, in: batchShape, size: rows * depth)
    rightOffsets = MatMulShapes.offsets(bBatch, in: batchShape, size: depth * columns)
    rightBatch = Tensor.count(of: bBatch)
  }

  private static func offsets(_ own: [Int], in batch: [Int], size: Int) -> [Int] {
    var result = [0]
    var stride = size * Tensor.count(of: own)
    for (mine, all) in zip(own, batch) {
      stride = mine == 0 ? 0 : stride / mine
      let step = mine == 1 ? 0 : stride
      result = result.flatMap { base in (0..<all).map { base + $0 * step } }
    }
    return result
  }
}
