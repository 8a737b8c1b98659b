import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

/// Matrix products of two values. The right-hand sides are packed before each run, in the step's
/// workspace.
struct ActivationProductOperation: Operation {
  let name: String
  /// A pair for each matrix of the result.
  let left: StridedMatrices
  let right: StridedMatrices
  let rows: Int
  let depth: Int
  let columns: Int
  /// Zero point of the left-hand side; that of the right is 128.
  let zero: UInt8
  /// From sums to results.
  let multiplier: Float
  var result: ProductOperation.Result
  let kernels: KernelSet

  var reads: [ValueID] { [left.value, right.value] }
  var writes: [ValueID] { result.values }

  var integerMultiplications: Int { left.starts.count * rows * depth * columns }

  /// Right-hand sides that differ.
  fileprivate var operands: [Int] { Array(Set(right.starts)).sorted() }
  fileprivate var paddedColumns: Int { ik_padded_columns(kernels.table, columns) }
  fileprivate var packedBytes: Int {
    ik_packed_bytes(kernels.table, columns, ik_padded_depth(1, depth), 8)
  }
  /// Of one packed operand and its bias, in whole lines of memory.
  fileprivate var operandBytes: Int { (packedBytes + 4 * paddedColumns + 63) / 64 * 64 }

  func workspace(_ layouts: [ImageLayout]) -> Int { operands.count * operandBytes }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    result.limited(to: integers).map { result in
      var limited = self
      limited.result = result
      return limited
    }
  }

  func step(_ memory: PlanMemory) throws -> any Step {
    guard let workspace = memory.workspace else {
      throw IntegerError.layer(node: name, problem: "has no workspace")
    }
    return ActivationProductStep(self, memory, workspace: workspace)
  }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    [
      KernelWorkload(
        name: name, op: KernelWorkload.activationProduct, kind: .product, rows: rows, depth: depth,
        columns: columns, groups: left.starts.count, runs: 1, weightBits: 8,
        outputBits: result.bits, inputs: layouts[left.value].count + layouts[right.value].count,
        outputs: left.starts.count * rows * columns)
    ]
  }
}

private final class ActivationProductStep: Step, @unchecked Sendable {
  let kernel: String
  private let result: ProductOperation.Result
  private let target: PlacedValue?
  private let kernels: KernelSet
  private let rows: Int
  private let work: Int
  private let zero: UInt8
  private let panels: Int
  private let paddedDepth: Int
  private let operands: [Operand]
  private var products: [ik_product]
  private let runs: AlignedBuffer<Int>
  private let multipliers: AlignedBuffer<Float>
  private let offsets: AlignedBuffer<Float>

  private struct Operand {
    let source: ik_operand
    let packed: UnsafeMutablePointer<UInt8>
    let bias: UnsafeMutablePointer<Int32>
  }

  init(
    _ operation: ActivationProductOperation, _ memory: PlanMemory,
    workspace: UnsafeMutablePointer<UInt8>
  ) {
    kernels = operation.kernels
    kernel = "product u8u8 \(kernels.name)"
    (rows, zero, result) = (operation.rows, operation.zero, operation.result)
    work = operation.rows * operation.depth * operation.columns
    panels = kernels.panels(of: operation.columns)
    paddedDepth = ik_padded_depth(1, operation.depth)
    runs = AlignedBuffer([0])
    multipliers = AlignedBuffer(
      Array(repeating: operation.multiplier, count: operation.paddedColumns))
    offsets = AlignedBuffer(Array(repeating: 0, count: operation.paddedColumns))
    let (right, starts) = (operation.right, operation.operands)
    let base = UnsafePointer(memory[right.value].base)
    operands = starts.enumerated().map { index, start in
      let packed = workspace + index * operation.operandBytes
      return Operand(
        source: ik_operand(
          values: base + start, depth_step: right.rowStep, column_step: right.columnStep,
          depth: operation.depth, columns: operation.columns),
        packed: packed,
        bias: UnsafeMutableRawPointer(packed + operation.packedBytes)
          .assumingMemoryBound(to: Int32.self))
    }
    var (target, range): (PlacedValue?, ResultRange?)
    if case .quantized(let value, let own) = operation.result {
      (target, range) = (memory[value], own)
    }
    self.target = target
    let left = UnsafePointer(memory[operation.left.value].base)
    let size = operation.rows * operation.columns
    let places = zip(operation.left.starts, operation.right.starts).enumerated()
    products = places.map { [operands, runs, multipliers, offsets] index, pair in
      let operand = operands[starts.firstIndex(of: pair.1) ?? 0]
      return ik_product(
        rows: ik_rows(
          base: left + pair.0, runs: runs.pointer, run_count: 1, run_bytes: operation.depth,
          width: max(operation.rows, 1), row_pitch: 0, column_pitch: operation.left.rowStep),
        columns: operation.columns, bits: 8, weights: operand.packed, bias: operand.bias,
        multipliers: multipliers.pointer,
        places: ik_places(
          base: target.map { $0.base + index * size }, row_pitch: 0,
          column_pitch: operation.columns),
        is_float: target == nil ? 1 : 0, offsets: offsets.pointer, zero: range?.zero ?? 0,
        low: range?.low ?? 0, high: range?.high ?? 255)
    }
  }

  func run(_ state: RunState) throws {
    pack(state.pool)
    switch result {
    case .quantized: multiply(into: nil, pool: state.pool)
    case .float(let slot, let shape):
      state.tensors[slot] = Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<Float>) in
        multiply(into: out.baseAddress, pool: state.pool)
      }
    }
  }

  private func pack(_ pool: WorkerPool) {
    let parts = TaskCount.tasks(work: work, most: panels, pool: pool)
    pool.forEach(operands.count * parts) { [self] task in
      let operand = operands[task / parts]
      let part = task % parts
      let first = panels * part / parts * kernels.panel
      let last = min(panels * (part + 1) / parts * kernels.panel, operand.source.columns)
      var source = operand.source
      source.values += first * source.column_step
      source.columns = last - first
      ik_pack_operand(kernels.table, &source, operand.packed + first * paddedDepth)
      ik_pack_operand_bias(kernels.table, &source, zero, operand.bias + first)
    }
  }

  private func multiply(into floats: UnsafeMutablePointer<Float>?, pool: WorkerPool) {
    let tiles = (rows + kernels.tileRows - 1) / kernels.tileRows
    let parts = TaskCount.tasks(work: work, most: tiles, pool: pool)
    nonisolated(unsafe) let floats = floats
    pool.forEach(products.count * parts) { [self] task in
      let part = task % parts
      let matrix = task / parts
      var product = products[matrix]
      if let floats {
        product.places.base = UnsafeMutableRawPointer(floats + matrix * rows * product.columns)
      }
      kernels.table.pointee.product(
        &product, tiles * part / parts * kernels.tileRows,
        min(tiles * (part + 1) / parts * kernels.tileRows, rows), 0, panels)
    }
  }
}
