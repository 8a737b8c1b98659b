import CIntegerKernels
import HardwareProfiles

/// The largest value under a window.
struct MaxPoolOperation: Operation {
  let name: String
  let source: ValueID
  let target: ValueID
  let window: ConvolutionWindow

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { [target] }
  func halo(around value: ValueID) -> Halo { window.halo }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let to = layouts[target]
    return [
      KernelWorkload(
        name: name, op: "MaxPool", kind: .window, rows: to.images * to.height * to.width,
        depth: window.kernelRows * window.kernelColumns, columns: to.channels,
        runs: to.images * to.height, inputs: layouts[source].count, outputs: to.count)
    ]
  }

  func step(_ memory: PlanMemory) throws -> any Step { MaxPoolStep(self, memory) }
}

private final class MaxPoolStep: Step, @unchecked Sendable {
  let kernel: String
  private let jobs: [ik_window]
  private let target: PlacedValue
  private let rows: Int
  private let kernels: KernelSet

  init(_ operation: MaxPoolOperation, _ memory: PlanMemory) {
    let source = memory[operation.source]
    let target = memory[operation.target]
    self.target = target
    kernels = memory.kernels
    jobs = (0..<source.layout.images).map {
      operation.window.over(source, image: $0, into: target)
    }
    rows = operation.window.outputRows
    kernel = "max-pool u8 \(memory.kernels.name)"
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    let parts = TaskCount.tasks(
      work: 64 * target.layout.count / jobs.count, most: rows, pool: state.pool)
    state.pool.forEach(jobs.count * parts) { [self] task in
      var job = jobs[task / parts]
      let part = task % parts
      kernels.table.pointee.window_max(&job, rows * part / parts, rows * (part + 1) / parts)
    }
  }
}

/// The average of every plane:
/// `saturate(round_half_even(float(sum(q - zero)) * (x_scale / (float(n) * y_scale))) + y_zero)`.
struct GlobalAverageOperation: Operation {
  let name: String
  let source: ValueID
  let target: ValueID
  var limits: ClosedRange<UInt8> = 0...255

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { [target] }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    [
      KernelWorkload(
        name: name, op: "GlobalAveragePool", kind: .average,
        inputs: layouts[source].count, outputs: layouts[target].count)
    ]
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.limits = limits.clamped(to: integers)
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step { GlobalAverageStep(self, memory) }
}

private final class GlobalAverageStep: Step, @unchecked Sendable {
  let kernel = "global-average u8"
  private let source: PlacedValue
  private let target: PlacedValue
  private let sums: AlignedBuffer<Int32>
  private let multiplier: Float
  private let offset: Int32
  private let limits: ClosedRange<UInt8>

  init(_ operation: GlobalAverageOperation, _ memory: PlanMemory) {
    source = memory[operation.source]
    target = memory[operation.target]
    limits = operation.limits
    sums = AlignedBuffer(count: source.layout.channels)
    let area = source.layout.height * source.layout.width
    multiplier = source.parameters.scale / (Float(area) * target.parameters.scale)
    offset = Int32(truncatingIfNeeded: area * Int(source.parameters.zero))
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    let layout = source.layout
    for image in 0..<layout.images {
      ik_channel_sums(
        source.image(image), layout.rowPitch, layout.height, layout.width, layout.channels,
        sums.pointer)
      ik_requantize_sums(
        sums.pointer, offset, multiplier, target.parameters.zero, layout.channels,
        target.image(image))
      UnsafeMutableBufferPointer(start: target.image(image), count: layout.channels)
        .limit(to: limits)
    }
  }
}
