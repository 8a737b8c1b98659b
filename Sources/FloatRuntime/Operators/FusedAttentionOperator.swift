import CFloatKernels
import GraphIR
import Parallelism
import Tensors

/// `tapq:FusedAttention`, which the engine's fusion makes: queries, keys and values of shape
/// [batch, length, heads, size] and, if wanted, a mask that broadcasts to [batch, heads, length, keys];
/// `softmax(q k' / divisor + mask) v` for each head, laid out as the queries.
enum FusedAttentionOperator {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("FusedAttention", domain: ConvolutionOperators.fusedDomain) { node, _ in
      let divisor = try node.float("divisor") ?? 1
      return { inputs, run in
        let (q, k, v) = (try inputs.floats(0), try inputs.floats(1), try inputs.floats(2))
        let heads = try FusedHeads(q, k, v, node: inputs.node)
        let mask = try inputs.optionalFloats(3).map { try heads.lines(of: $0, inputs) }
        run.trace?.use(kernel: "attention " + KernelSet.best.name)
        return [.tensor(heads.run(q, k, v, mask: mask, divisor: divisor, pool: run.pool))]
      }
    }
  ]
}

/// The heads of one attention: each is a task, or two, on scratch memory of its own.
private struct FusedHeads {
  /// Heads from which on there are enough for all threads.
  private static let manyHeads = 8
  /// Queries from which on half of them outweigh turning the keys twice.
  private static let manyQueries = 96

  private let batch: Int
  private let length: Int
  private let keys: Int
  private let heads: Int
  private let size: Int
  private let valueSize: Int

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, node: String) throws {
    guard q.rank == 4, k.rank == 4, v.rank == 4, q.shape[0] == k.shape[0],
      k.shape[0] == v.shape[0], k.shape[1] == v.shape[1], q.shape[2] == k.shape[2],
      k.shape[2] == v.shape[2], q.shape[3] == k.shape[3]
    else {
      throw RuntimeError.input(
        node: node, problem: "shapes \(q.shape), \(k.shape) and \(v.shape) do not fit")
    }
    (batch, length, heads, size) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    (keys, valueSize) = (k.shape[1], v.shape[3])
  }

  /// The mask as one line for every [batch, head, query], whatever it broadcasts from.
  func lines(of mask: Tensor, _ inputs: OperatorInputs) throws -> MaskLines {
    let full = [batch, heads, length, keys]
    let plan = try inputs.broadcast([mask.shape, full])
    guard plan.shape == full else {
      throw RuntimeError.input(
        node: inputs.node, problem: "mask of shape \(mask.shape) does not broadcast to \(full)")
    }
    let shape = Array(repeating: 1, count: 4 - mask.rank) + mask.shape
    let steps = zip(Tensor.steps(of: shape), shape).map { $1 == 1 ? 0 : $0 }
    guard steps[3] == 1 || keys == 1 else {
      let wide = mask.withElements(of: Float.self) { source in
        Tensor(shape: [mask.count, keys]) { (out: UnsafeMutableBufferPointer<Float>) in
          for index in out.indices { out[index] = source[index / keys] }
        }
      }
      return MaskLines(tensor: wide, steps: steps.dropLast().map { $0 * keys })
    }
    return MaskLines(tensor: mask, steps: Array(steps.dropLast()))
  }

  /// Where the mask's line for a batch, head and query begins.
  struct MaskLines {
    let tensor: Tensor
    let steps: [Int]

    func offset(_ batch: Int, _ head: Int, _ query: Int) -> Int {
      batch * steps[0] + head * steps[1] + query * steps[2]
    }
  }

  func run(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: MaskLines?, divisor: Float, pool: WorkerPool
  ) -> Tensor {
    q.withElements(of: Float.self) { queries in
      k.withElements(of: Float.self) { keyed in
        v.withElements(of: Float.self) { values in
          (mask?.tensor).withFloats { lines in
            Tensor(shape: [batch, length, heads, valueSize]) {
              (result: UnsafeMutableBufferPointer<Float>) in
              guard let q = queries.baseAddress, let k = keyed.baseAddress,
                let v = values.baseAddress, let out = result.baseAddress
              else { return }
              nonisolated(unsafe) let operands = (q: q, k: k, v: v, lines: lines, out: out)
              let parts = batch * heads < Self.manyHeads && length >= Self.manyQueries ? 2 : 1
              pool.forEach(batch * heads * parts) { task in
                let (head, part) = (task / parts, task % parts)
                attend(
                  head / heads, head % heads, length * part / parts..<length * (part + 1) / parts,
                  operands.q, operands.k, operands.v, operands.lines, mask: mask, divisor: divisor,
                  operands.out)
              }
            }
          }
        }
      }
    }
  }

  private func attend(
    _ image: Int, _ head: Int, _ range: Range<Int>, _ q: UnsafePointer<Float>,
    _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>, _ lines: UnsafePointer<Float>?,
    mask: MaskLines?, divisor: Float, _ out: UnsafeMutablePointer<Float>
  ) {
    let kernels = KernelSet.best
    let (pitch, valuePitch) = (heads * size, heads * valueSize)
    let scores = FloatBuffer(count: range.count * keys + kernelSlack)
    let turned = FloatBuffer(count: size * keys + kernelSlack)
    kernels.table.pointee.transpose(
      k + image * keys * pitch + head * size, pitch, keys, size, turned.pointer, keys)
    let first = image * length + range.lowerBound
    multiply(
      kernels,
      PackedMatrix(
        q + first * pitch + head * size, rows: range.count, depth: size, rowStride: pitch),
      by: turned.pointer, depthStep: keys, columns: keys, into: scores.pointer, rowStride: keys)
    for query in range {
      let line = scores.pointer + (query - range.lowerBound) * keys
      let hidden = mask.flatMap { mask in lines.map { $0 + mask.offset(image, head, query) } }
      kernels.table.pointee.masked_softmax(line, keys, divisor, hidden, line)
    }
    multiply(
      kernels, PackedMatrix(scores.pointer, rows: range.count, depth: keys, rowStride: keys),
      by: v + image * keys * valuePitch + head * valueSize, depthStep: valuePitch,
      columns: valueSize, into: out + first * valuePitch + head * valueSize,
      rowStride: valuePitch)
  }

  private func multiply(
    _ kernels: KernelSet, _ rows: PackedMatrix, by base: UnsafePointer<Float>, depthStep: Int,
    columns: Int, into output: UnsafeMutablePointer<Float>, rowStride: Int
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: max(rows.depth, 1)) { offsets in
      for index in 0..<rows.depth { offsets[index] = index * depthStep }
      var product = fk_product(
        rows: rows.group(0), row_count: rows.rows, depth: rows.depth, bias: nil, residual: nil,
        output: output, row_stride: rowStride, column_stride: 1, low: -.infinity, high: .infinity)
      var source = fk_columns(
        base: base, depth_offsets: UnsafePointer(offsets.baseAddress), count: columns, height: 1,
        width: columns, plane_pitch: 0, row_pitch: 0, padded: 0)
      kernels.table.pointee.product(
        &product, &source, 0, fk_panel_count(kernels.table, columns), 0, rows.rows)
    }
  }
}
