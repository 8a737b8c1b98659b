import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

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
