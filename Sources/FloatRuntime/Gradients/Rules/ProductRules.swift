import GraphIR
import Tensors

/// MatMul: `dA = dY B'`, `dB = A' dY`, summed over repeated matrices; and Gemm.
enum ProductRules {
  static let definitions: [BackwardDefinition] = [
    BackwardDefinition("MatMul") { _ in { step in try matMul(step) } },
    BackwardDefinition("Gemm") { node in
      let (alpha, beta) = (try node.float("alpha") ?? 1, try node.float("beta") ?? 1)
      let (transA, transB) = (
        try node.flag("transA", default: false), try node.flag("transB", default: false)
      )
      return { step in
        let (a, b) = (try step.inputs.floats(0), try step.inputs.floats(1))
        let g = try step.gradient()
        let (m, n) = (g.shape[0], g.shape[1])
        let k = a.shape[transA ? 0 : 1]
        var dC: Tensor?
        if step.isWanted(2) {
          let c = try step.inputs.floats(2)
          let scaled = beta == 1 ? g : g.mapFloats { $0 * beta }
          dC = step.summed(scaled, to: c.shape)
        }
        let dA =
          transA
          ? ParallelProduct(
            rows: k, columns: m, depth: n, isLeftTransposed: transB, isRightTransposed: true,
            alpha: alpha)
          : ParallelProduct(
            rows: m, columns: k, depth: n, isRightTransposed: !transB, alpha: alpha)
        let dB =
          transB
          ? ParallelProduct(
            rows: n, columns: k, depth: m, isLeftTransposed: true, isRightTransposed: transA,
            alpha: alpha)
          : ParallelProduct(
            rows: k, columns: n, depth: m, isLeftTransposed: !transA, alpha: alpha)
        return [
          step.isWanted(0) ? product(dA, transA ? b : g, transA ? g : b, a.shape, step) : nil,
          step.isWanted(1) ? product(dB, transB ? g : a, transB ? a : g, b.shape, step) : nil,
          dC,
        ]
      }
    },
  ]

  private static func product(
    _ product: ParallelProduct, _ left: Tensor, _ right: Tensor, _ shape: [Int],
    _ step: BackwardStep
  ) -> Tensor {
    left.withElements(of: Float.self) { left in
      right.withElements(of: Float.self) { right in
        Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
          guard let left = left.baseAddress, let right = right.baseAddress,
            let out = out.baseAddress
          else { return }
          product.run(left, right, into: out, pool: step.pool)
        }
      }
    }
  }

  private static func matMul(_ step: BackwardStep) throws -> [Tensor?] {
    let (a, b) = (try step.inputs.floats(0), try step.inputs.floats(1))
    let g = try step.gradient()
    let shapes = try MatMulShapes(a.shape, b.shape, label: step.node.label)
    // One matrix on the right: all batches of the left are rows of one product.
    let isJoined = shapes.rightBatch == 1 && a.count == shapes.batch * shapes.rows * shapes.depth
    let rows = isJoined ? shapes.batch * shapes.rows : shapes.rows
    let left = ParallelProduct(
      rows: rows, columns: shapes.depth, depth: shapes.columns, isRightTransposed: true,
      accumulates: true)
    let right = ParallelProduct(
      rows: shapes.depth, columns: shapes.columns, depth: rows, isLeftTransposed: true,
      accumulates: true)
    let dA: Tensor? = step.isWanted(0) ? .zeros(a.shape) : nil
    let dB: Tensor? = step.isWanted(1) ? .zeros(b.shape) : nil
    a.withElements(of: Float.self) { a in
      b.withElements(of: Float.self) { b in
        g.withElements(of: Float.self) { g in
          guard let a = a.baseAddress, let b = b.baseAddress, let g = g.baseAddress else { return }
          for batch in 0..<(isJoined ? 1 : shapes.batch) {
            let part = g + batch * rows * shapes.columns
            let (atA, atB) = (shapes.leftOffsets[batch], shapes.rightOffsets[batch])
            if let dA = dA?.writable { left.run(part, b + atB, into: dA + atA, pool: step.pool) }
            if let dB = dB?.writable { right.run(a + atA, part, into: dB + atB, pool: step.pool) }
          }
        }
      }
    }
    return [dA, dB]
  }
}
