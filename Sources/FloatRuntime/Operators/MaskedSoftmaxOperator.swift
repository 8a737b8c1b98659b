import GraphIR
import Parallelism
import Tensors

/// `tapq:MaskedSoftmax`, which the engine's fusion makes: the softmax of `x / divisor + mask` along
/// the last axis; without a mask of `x / divisor`.
enum MaskedSoftmaxOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("MaskedSoftmax", domain: ConvolutionOperators.fusedDomain) { node, _ in
      let divisor = try node.float("divisor") ?? 1
      return { inputs, run in
        let x = try inputs.floats(0)
        guard let size = x.shape.last, size > 0, x.count > 0 else { return [.tensor(x)] }
        let rows = x.count / size
        let mask = try inputs.optionalFloats(1)
        guard let rowsPerMask = mask.map({ rowsPerMask($0.shape, x.shape) }) ?? rows else {
          let scaled = try ArithmeticOperators.calculate(
            Divide(), x, Tensor(scalar: divisor), inputs, run.pool)
          let sum = try ArithmeticOperators.calculate(
            Add(), scaled, inputs.floats(1), inputs, run.pool)
          return [
            .tensor(
              Rows.map(
                SoftmaxOperators.Softmax(), sum, rows: sum.count / size, count: size,
                pool: run.pool))
          ]
        }
        run.trace?.use(kernel: "masked-softmax " + KernelSet.best.name)
        return [.tensor(softmax(x, mask, divisor, rows, size, rowsPerMask, run.pool))]
      }
    }
  ]

  /// How many rows in a row share a line of the mask; nil where lines are not whole or change
  /// within an image.
  private static func rowsPerMask(_ mask: [Int], _ x: [Int]) -> Int? {
    guard mask.count <= x.count, mask.last == x.last else { return nil }
    let rows = x.dropLast().reduce(1, *)
    let lines = Array(mask.dropLast())
    if lines.allSatisfy({ $0 == 1 }) { return rows }
    guard mask.count == x.count, lines.first == x.first, lines.dropFirst().allSatisfy({ $0 == 1 })
    else { return nil }
    return rows / x[0]
  }

  private static func softmax(
    _ x: Tensor, _ mask: Tensor?, _ divisor: Float, _ rows: Int, _ size: Int, _ rowsPerMask: Int,
    _ pool: WorkerPool
  ) -> Tensor {
    x.withElements(of: Float.self) { source in
      mask.withFloats { mask in
        Tensor(shape: x.shape) { (out: UnsafeMutableBufferPointer<Float>) in
          guard let source = source.baseAddress, let out = out.baseAddress else { return }
          nonisolated(unsafe) let (from, lines, to) = (source, mask, out)
          let batch = max(1, Elementwise.chunk / 2 / size)
          pool.forEach((rows + batch - 1) / batch) { task in
            for row in task * batch..<min((task + 1) * batch, rows) {
              KernelSet.best.table.pointee.masked_softmax(
                from + row * size, size, divisor, lines.map { $0 + row / rowsPerMask * size },
                to + row * size)
            }
          }
        }
      }
    }
  }
}
