import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

/// A matrix product with constant weights that have a scale for each block of the depth.
struct BlockedProductOperation: Operation {
  enum Source: Sendable {
    case quantized(ValueID)
    case float(FloatSlot)
  }

  let name: String
  let source: Source
  let result: FloatSlot
  let shape: [Int]
  let rows: Int
  let weights: BlockedWeights
  let integerMultiplications: Int

  var reads: [ValueID] {
    if case .quantized(let value) = source { [value] } else { [] }
  }
  var writes: [ValueID] { [] }
  var slots: [FloatSlot] {
    if case .float(let slot) = source { [slot] } else { [] }
  }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    var activationBits = 32
    if case .quantized = source { activationBits = 8 }
    return [
      KernelWorkload(
        name: name, op: "MatMul", kind: .blocked, rows: rows, depth: weights.depth,
        columns: weights.columns, runs: (weights.depth + weights.block - 1) / weights.block,
        weightBits: weights.bits, activationBits: activationBits, inputs: rows * weights.depth,
        outputs: rows * weights.columns)
    ]
  }

  func step(_ memory: PlanMemory) throws -> any Step { BlockedProductStep(self, memory) }
}

/// The constant side: integers, and the factor of each block's sum.
struct BlockedWeights: Sendable {
  /// `[column][depth]`.
  var integers: [Int8]
  var columns: Int
  var depth: Int
  var block: Int
  /// `[column][block]`.
  var scales: [Float]
  var offsets: [Float]

  /// The least width that holds the integers.
  var bits: Int {
    let (least, most) = (integers.min() ?? 0, integers.max() ?? 0)
    return (2..<8).first { least >= -(1 << ($0 - 1)) && most < 1 << ($0 - 1) } ?? 8
  }
}

private final class BlockedProductStep: Step, @unchecked Sendable {
  let kernel: String
  let weightBytes: Int
  private let source: BlockedProductOperation.Source
  private let result: FloatSlot
  private let shape: [Int]
  private let rows: Int
  private let work: Int
  private let weights: AlignedBuffer<UInt8>
  private let scales: AlignedBuffer<Float>
  private let offsets: AlignedBuffer<Float>
  private let template: ik_blocked
  private let run: ik_blocked_kernel?
  private let panels: Int
  private let tileRows: Int

  init(_ operation: BlockedProductOperation, _ memory: PlanMemory) {
    (source, result, shape) = (operation.source, operation.result, operation.shape)
    rows = operation.rows
    let (table, source) = (memory.kernels.table, operation.weights)
    work = rows * source.columns * source.depth
    let bits = Int32(source.bits)
    let padded = ik_padded_columns(table, source.columns)
    let blocks = ik_block_count(source.depth, source.block)
    weights = AlignedBuffer(
      count: ik_packed_bytes(
        table, source.columns, ik_padded_depth(1, source.depth), bits))
    scales = AlignedBuffer(count: blocks * padded)
    offsets = AlignedBuffer(count: padded)
    ik_pack_weights(
      table, source.integers, source.columns, 1, source.depth, bits, weights.pointer)
    ik_pack_scales(table, source.scales, source.columns, blocks, bits, scales.pointer)
    ik_pack_multipliers(table, source.offsets, source.columns, 8, offsets.pointer)
    var base: UnsafeRawPointer?
    var pitch = source.depth
    var zero: UInt8 = 0
    var prefix = "f32"
    run =
      if case .quantized = operation.source {
        table.pointee.blocked
      } else {
        table.pointee.float_blocked
      }
    if case .quantized(let value) = operation.source {
      let placed = memory[value]
      base = UnsafeRawPointer(placed.image(0))
      pitch = placed.layout.columnPitch
      zero = placed.parameters.zero
      prefix = "u8"
    }
    template = ik_blocked(
      rows: base, row_pitch: pitch, depth: source.depth, block: source.block,
      columns: source.columns, bits: bits, weights: weights.pointer, scales: scales.pointer,
      offsets: offsets.pointer, zero: zero, result: nil, result_pitch: source.columns)
    panels = memory.kernels.panels(of: source.columns)
    tileRows = memory.kernels.tileRows
    kernel = "blocked \(prefix)s\(bits) \(memory.kernels.name)"
    weightBytes = weights.byteCount + scales.byteCount + offsets.byteCount
  }

  func run(_ state: RunState) throws {
    switch source {
    case .quantized: multiply(template.rows, state)
    case .float(let slot):
      try state.tensor(slot).withElements(of: Float.self) { x in
        multiply(UnsafeRawPointer(x.baseAddress), state)
      }
    }
  }

  private func multiply(_ x: UnsafeRawPointer?, _ state: RunState) {
    state.tensors[result] = Tensor(shape: shape) {
      [self] (out: UnsafeMutableBufferPointer<Float>) in
      guard rows > 0, let x, let out = out.baseAddress else { return }
      nonisolated(unsafe) let (source, target) = (x, out)
      // Few rows share all weights: split those, so that every thread reads its own.
      let byPanels = rows < 4 * tileRows && panels > 1
      let tiles = (rows + tileRows - 1) / tileRows
      let parts = TaskCount.tasks(
        work: 2 * work, most: byPanels ? panels : tiles, pool: state.pool)
      state.pool.forEach(parts) { part in
        var job = template
        job.rows = source
        job.result = target
        if byPanels {
          run?(&job, 0, rows, panels * part / parts, panels * (part + 1) / parts)
        } else {
          run?(
            &job, tiles * part / parts * tileRows,
            min(tiles * (part + 1) / parts * tileRows, rows), 0, panels)
        }
      }
    }
  }
}
