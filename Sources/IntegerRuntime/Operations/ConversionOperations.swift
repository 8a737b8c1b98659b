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
    let block = max(1, min(layout.height, ImportStep.stretch / max(layout.rowBytes, 1)))
    let blocks = layout.images * ((layout.height + block - 1) / block)
    return [
      .conversion(
        name, "QuantizeLinear", layout,
        interleavedRuns: blocks * layout.channels + layout.images * layout.height)
    ]
  }

  func step(_ memory: PlanMemory) throws -> any Step {
    ImportStep(slot: slot, target: memory[target], kernels: memory.kernels)
  }
}

private final class ImportStep: Step, @unchecked Sendable {
  let kernel: String
  private let slot: FloatSlot
  private let target: PlacedValue
  private let kernels: KernelSet

  init(slot: FloatSlot, target: PlacedValue, kernels: KernelSet) {
    self.slot = slot
    self.target = target
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
    if channels == 1 || area == 1 {
      for image in 0..<layout.images {
        for row in 0..<layout.height {
          convert(
            start + (image * layout.height + row) * layout.rowBytes, layout.rowBytes,
            target.row(image, row))
        }
      }
      return
    }
    // Several rows at a time: long stretches of each plane are read in one go.
    let block = max(1, min(layout.height, ImportStep.stretch / max(layout.rowBytes, 1)))
    let blocks = (layout.height + block - 1) / block
    nonisolated(unsafe) let first = start
    pool.forEach(layout.images * blocks) { [target, kernels] task in
      let (image, row) = (task / blocks, task % blocks * block)
      let rows = min(block, layout.height - row)
      let count = rows * width
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count * channels) { planes in
        guard let planes = planes.baseAddress else { return }
        for channel in 0..<channels {
          convert(
            first + (image * channels + channel) * area + row * width, count,
            planes + channel * count)
        }
        for index in 0..<rows {
          kernels.table.pointee.interleave(
            planes + index * width, count, channels, width, target.row(image, row + index))
        }
      }
    }
  }

  /// Values that are converted at a time, about.
  fileprivate static let stretch = 16_384
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

  func step(_ memory: PlanMemory) throws -> any Step { ExportStep(self, memory) }
}

private final class ExportStep: Step, @unchecked Sendable {
  let kernel: String
  private let operation: ExportOperation
  private let source: PlacedValue
  private let kernels: KernelSet

  init(_ operation: ExportOperation, _ memory: PlanMemory) {
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
    if channels == 1 || area == 1 {
      for image in 0..<layout.images {
        for row in 0..<layout.height {
          convert(
            source.row(image, row), layout.rowBytes,
            start + (image * layout.height + row) * layout.rowBytes)
        }
      }
      return
    }
    nonisolated(unsafe) let first = start
    layout.forEachRowInParallel(pool) { [source] image, row in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: layout.rowBytes) { planes in
        guard let planes = planes.baseAddress else { return }
        ik_deinterleave(source.row(image, row), channels, width, planes, width)
        for channel in 0..<channels {
          convert(
            planes + channel * width, width,
            first + (image * channels + channel) * area + row * width)
        }
      }
    }
  }
}

extension KernelWorkload {
  /// Elements whose channels change from side by side to plane by plane count as
  /// multiply-accumulates.
  fileprivate static func conversion(
    _ name: String, _ op: String, _ layout: ImageLayout, interleavedRuns: Int
  ) -> KernelWorkload {
    let isInterleaved =
      layout.isPlanar && layout.channels > 1 && layout.height * layout.width > 1
    return KernelWorkload(
      name: name, op: op, kind: .conversion, rows: isInterleaved ? layout.count : 0, depth: 1,
      columns: 1,
      runs: isInterleaved ? interleavedRuns : layout.isPlanar ? layout.images * layout.height : 1,
      inputs: layout.count, outputs: layout.count)
  }
}
