import CIntegerKernels
import HardwareProfiles
import Parallelism
import Tensors

/// A tensor, float or of the value's own type, into the arena.
struct ImportOperation: Operation {
  let name: String
  let slot: FloatSlot
  let target: ValueID
  let isNetworkInput: Bool
  var limits: ClosedRange<UInt8> = 0...255

  var reads: [ValueID] { [] }
  var writes: [ValueID] { [target] }
  var slots: [FloatSlot] { [slot] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let layout = layouts[target]
    let blocks = layout.images * RowBlocks(layout).count
    return [
      .conversion(
        name, isNetworkInput ? KernelWorkload.networkInput : "QuantizeLinear", layout,
        interleavedRuns: blocks * layout.channels + layout.images * layout.height)
    ]
  }

  /// Room for every plane, before channels come to lie side by side.
  func workspace(_ layouts: [ImageLayout]) -> Int {
    layouts[target].isInterleaved ? layouts[target].count : 0
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.limits = limits.clamped(to: integers)
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step {
    ImportStep(
      slot: slot, target: memory[target], limits: limits, workspace: memory.workspace,
      kernels: memory.kernels)
  }
}

private final class ImportStep: Step, @unchecked Sendable {
  let kernel: String
  private let slot: FloatSlot
  private let target: PlacedValue
  private let limits: ClosedRange<UInt8>
  private let workspace: UnsafeMutablePointer<UInt8>?
  private let kernels: KernelSet

  init(
    slot: FloatSlot, target: PlacedValue, limits: ClosedRange<UInt8>,
    workspace: UnsafeMutablePointer<UInt8>?, kernels: KernelSet
  ) {
    self.slot = slot
    self.target = target
    self.limits = limits
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
    convert unlimited: @Sendable (UnsafePointer<Element>, Int, UnsafeMutablePointer<UInt8>) -> Void
  ) {
    @Sendable func convert(
      _ values: UnsafePointer<Element>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>
    ) {
      unlimited(values, count, out)
      UnsafeMutableBufferPointer(start: out, count: count).limit(to: limits)
    }
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

extension UnsafeMutableBufferPointer<UInt8> {
  /// Cuts off what lies outside.
  func limit(to integers: ClosedRange<UInt8>) {
    guard integers != 0...255 else { return }
    for index in indices { self[index] = self[index].clamped(to: integers) }
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
