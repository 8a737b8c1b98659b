import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

/// A tensor, float or of the value's own type, into the arena.
struct ImportOperation: Operation {
  let name: String
  let slot: FloatSlot
  let target: ValueID

  var reads: [ValueID] { [] }
  var writes: [ValueID] { [target] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let layout = layouts[target]
    let blocks = layout.images * RowBlocks(layout).count
    return [
      .conversion(
        name, "QuantizeLinear", layout,
        interleavedRuns: blocks * layout.channels + layout.images * layout.height)
    ]
  }

  /// Room for every plane, before channels come to lie side by side.
  func workspace(_ layouts: [ImageLayout]) -> Int {
    layouts[target].isInterleaved ? layouts[target].count : 0
  }

  func step(_ memory: PlanMemory) throws -> any Step {
    ImportStep(
      slot: slot, target: memory[target], workspace: memory.workspace, kernels: memory.kernels)
  }
}

private final class ImportStep: Step, @unchecked Sendable {
  let kernel: String
  private let slot: FloatSlot
  private let target: PlacedValue
  private let workspace: UnsafeMutablePointer<UInt8>?
  private let kernels: KernelSet

  init(
    slot: FloatSlot, target: PlacedValue, workspace: UnsafeMutablePointer<UInt8>?,
    kernels: KernelSet
  ) {
    self.slot = slot
    self.target = target
    self.workspace = workspace
    self.kernels = kernels
    kernel = "quantize u8 \(kernels.name)"
  }

  func run(_ state: RunState) throws {
    let tensor = try state.tensor(slot)
    target.fillHalo()
    if tensor.elementType == .float32 {
      let (quantize, affine) = (kernels.table.pointee.quantize, target.parameters.affine)
      tensor.withElements(of: Float.self) { source in
        write(source, state.pool) { quantize?(affine, $0, 1, $1, $2) }
      }
    } else {
      let isSigned = target.parameters.isSigned
      tensor.storage.bytes.withMemoryRebound(to: UInt8.self) { source in
        write(source, state.pool) { values, count, out in
          if isSigned {
            ik_turn_signs(values, count, out)
          } else {
            out.update(from: values, count: count)
          }
        }
      }
    }
  }

  /// Converts lines of the tensor and places them row by row.
  private func write<Element>(
    _ source: UnsafeBufferPointer<Element>, _ pool: WorkerPool,
    convert: @Sendable (UnsafePointer<Element>, Int, UnsafeMutablePointer<UInt8>) -> Void
  ) {
    guard let start = source.baseAddress, !source.isEmpty else { return }
    let layout = target.layout
    let (width, channels) = (layout.width, layout.channels)
    if !layout.isPlanar {
      convert(start, layout.count, target.base)
      return
    }
    let area = layout.height * width
    guard layout.isInterleaved, let workspace else {
      for image in 0..<layout.images {
        for row in 0..<layout.height {
          convert(
            start + (image * layout.height + row) * layout.rowBytes, layout.rowBytes,
            target.row(image, row))
        }
      }
      return
    }
    let blocks = RowBlocks(layout)
    nonisolated(unsafe) let (first, scratch) = (start, workspace)
    pool.forEach(layout.images * blocks.count) { [target, kernels] task in
      let (image, rows) = (task / blocks.count, blocks.rows(task % blocks.count))
      let count = rows.count * width
      let planes = scratch + (image * layout.height + rows.lowerBound) * layout.rowBytes
      for channel in 0..<channels {
        convert(
          first + (image * channels + channel) * area + rows.lowerBound * width, count,
          planes + channel * count)
      }
      for (index, row) in rows.enumerated() {
        kernels.table.pointee.interleave(
          planes + index * width, count, channels, width, target.row(image, row))
      }
    }
  }
}

/// Rows that are converted together: long stretches of each plane are read in one go.
private struct RowBlocks {
  /// Values of a block, about.
  private static let stretch = 16_384

  let count: Int
  private let size: Int
  private let height: Int

  init(_ layout: ImageLayout) {
    height = layout.height
    size = max(1, min(height, RowBlocks.stretch / max(layout.rowBytes, 1)))
    count = (height + size - 1) / size
  }

  func rows(_ block: Int) -> Range<Int> { block * size..<min((block + 1) * size, height) }
}

extension ImageLayout {
  /// Whether channels that lie side by side here lie plane by plane in the tensor.
  fileprivate var isInterleaved: Bool { isPlanar && channels > 1 && height * width > 1 }
}

/// A value of the arena as a tensor, float or of its own type.
struct ExportOperation: Operation {
  let name: String
  let source: ValueID
  let slot: FloatSlot
  let shape: [Int]
  let isFloat: Bool

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { [] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let layout = layouts[source]
    return [
      .conversion(
        name, "DequantizeLinear", layout,
        interleavedRuns: layout.images * layout.height * layout.channels)
    ]
  }

  /// Room for every row, once channels lie apart.
  func workspace(_ layouts: [ImageLayout]) -> Int {
    layouts[source].isInterleaved ? layouts[source].count : 0
  }

  func step(_ memory: PlanMemory) throws -> any Step { ExportStep(self, memory) }
}

private final class ExportStep: Step, @unchecked Sendable {
  let kernel: String
  private let operation: ExportOperation
  private let source: PlacedValue
  private let workspace: UnsafeMutablePointer<UInt8>?
  private let kernels: KernelSet

  init(_ operation: ExportOperation, _ memory: PlanMemory) {
    workspace = memory.workspace
    self.operation = operation
    source = memory[operation.source]
    kernels = memory.kernels
    kernel = "dequantize u8 \(kernels.name)"
  }

  func run(_ state: RunState) throws {
    let isSigned = source.parameters.isSigned
    if operation.isFloat {
      let (dequantize, affine) = (kernels.table.pointee.dequantize, source.parameters.affine)
      state.tensors[operation.slot] = Tensor(shape: operation.shape) {
        (out: UnsafeMutableBufferPointer<Float>) in
        read(out, state.pool) { dequantize?(affine, $0, $1, $2, 1) }
      }
      return
    }
    let storage = TensorStorage(byteCount: source.layout.count)
    storage.mutableBytes.withMemoryRebound(to: UInt8.self) { out in
      read(out, state.pool) { values, count, out in
        if isSigned {
          ik_turn_signs(values, count, out)
        } else {
          out.update(from: values, count: count)
        }
      }
    }
    state.tensors[operation.slot] = Tensor(
      elementType: source.parameters.elementType, shape: operation.shape, storage: storage)
  }

  private func read<Element>(
    _ target: UnsafeMutableBufferPointer<Element>, _ pool: WorkerPool,
    convert: @Sendable (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<Element>) -> Void
  ) {
    guard let start = target.baseAddress, !target.isEmpty else { return }
    let layout = source.layout
    let (width, channels) = (layout.width, layout.channels)
    if !layout.isPlanar {
      convert(source.base, layout.count, start)
      return
    }
    let area = layout.height * width
    guard layout.isInterleaved, let workspace else {
      for image in 0..<layout.images {
        for row in 0..<layout.height {
          convert(
            source.row(image, row), layout.rowBytes,
            start + (image * layout.height + row) * layout.rowBytes)
        }
      }
      return
    }
    nonisolated(unsafe) let (first, scratch) = (start, workspace)
    layout.forEachRowInParallel(pool) { [source] image, row in
      let planes = scratch + (image * layout.height + row) * layout.rowBytes
      ik_deinterleave(source.row(image, row), channels, width, planes, width)
      for channel in 0..<channels {
        convert(
          planes + channel * width, width,
          first + (image * channels + channel) * area + row * width)
      }
    }
  }
}

/// Channels beyond which planes are gathered one by one.
private let manyChannels = 4

extension KernelWorkload {
  /// Elements whose many channels change from side by side to plane by plane count as
  /// multiply-accumulates.
  fileprivate static func conversion(
    _ name: String, _ op: String, _ layout: ImageLayout, interleavedRuns: Int
  ) -> KernelWorkload {
    let isInterleaved = layout.isInterleaved
    return KernelWorkload(
      name: name, op: op, kind: .conversion,
      rows: isInterleaved && layout.channels > manyChannels ? layout.count : 0, depth: 1,
      columns: 1,
      runs: isInterleaved ? interleavedRuns : layout.isPlanar ? layout.images * layout.height : 1,
      inputs: layout.count, outputs: layout.count)
  }
}
