import CIntegerKernels
import HardwareProfiles
import Parallelism

/// A convolution with one kernel for each channel.
struct DepthwiseOperation: Operation {
  let name: String
  let source: ValueID
  let target: ValueID
  let window: ConvolutionWindow
  let range: ResultRange
  /// `[tap][channel]`.
  let weights: [Int8]
  /// With the input's zero point multiplied in.
  let bias: [Int32]
  let multipliers: [Float]
  let integerMultiplications: Int

  var reads: [ValueID] { [source] }
  var writes: [ValueID] { [target] }
  func halo(around value: ValueID) -> Halo { window.halo }

  func workloads(_ layouts: [ImageLayout]) -> [KernelWorkload] {
    let (from, to) = (layouts[source], layouts[target])
    return [
      KernelWorkload(
        name: name, op: "Conv", kind: .depthwise, rows: to.images * to.height * to.width,
        depth: window.kernelRows * window.kernelColumns, columns: to.channels,
        runs: window.kernelRows, weightBits: 8, inputs: from.count, outputs: to.count)
    ]
  }

  func step(_ memory: PlanMemory) throws -> any Step { DepthwiseStep(self, memory) }
}

private final class DepthwiseStep: Step, @unchecked Sendable {
  private static let lane = 64

  let kernel: String
  let weightBytes: Int
  private let weights: AlignedBuffer<Int8>
  private let bias: AlignedBuffer<Int32>
  private let multipliers: AlignedBuffer<Float>
  private let jobs: [ik_depthwise]
  private let target: PlacedValue
  private let rows: Int
  private let work: Int
  private let kernels: KernelSet

  init(_ operation: DepthwiseOperation, _ memory: PlanMemory) {
    let source = memory[operation.source]
    target = memory[operation.target]
    kernels = memory.kernels
    let channels = source.layout.channels
    let lane = DepthwiseStep.lane
    let pitch = (channels + lane - 1) / lane * lane
    let taps = operation.window.kernelRows * operation.window.kernelColumns
    weights = AlignedBuffer(count: taps * pitch)
    for tap in 0..<taps {
      for channel in 0..<channels {
        weights.pointer[tap * pitch + channel] = operation.weights[tap * channels + channel]
      }
    }
    bias = AlignedBuffer(operation.bias, count: pitch)
    multipliers = AlignedBuffer(operation.multipliers, count: pitch)
    let (weights, bias, multipliers, target) = (weights, bias, multipliers, target)
    jobs = (0..<source.layout.images).map { image in
      ik_depthwise(
        window: operation.window.over(source, image: image, into: target), weights: weights.pointer,
        weight_pitch: pitch, bias: bias.pointer, multipliers: multipliers.pointer,
        zero: operation.range.zero, low: operation.range.low, high: operation.range.high)
    }
    rows = operation.window.outputRows
    work = operation.integerMultiplications
    kernel = "depthwise u8s8 \(memory.kernels.name)"
    weightBytes = taps * channels + channels * 8
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    // A depthwise multiply-accumulate takes about four times as long as one of a product.
    let parts = TaskCount.tasks(work: 4 * work / jobs.count, most: rows, pool: state.pool)
    state.pool.forEach(jobs.count * parts) { [self] task in
      var job = jobs[task / parts]
      let part = task % parts
      kernels.table.pointee.depthwise(&job, rows * part / parts, rows * (part + 1) / parts)
    }
  }
}

extension ConvolutionWindow {
  /// The window as it slides over an image.
  func over(_ source: PlacedValue, image: Int, into target: PlacedValue) -> ik_window {
    let layout = source.layout
    return ik_window(
      source: source.image(image) - padTop * layout.rowPitch - padLeft * layout.columnPitch,
      row_pitch: layout.rowPitch, column_pitch: layout.columnPitch, kernel_rows: kernelRows,
      kernel_columns: kernelColumns, stride_rows: strideRows, stride_columns: strideColumns,
      dilation_rows: dilationRows, dilation_columns: dilationColumns, width: outputColumns,
      channels: layout.channels, target: target.image(image),
      target_row_pitch: target.layout.rowPitch, target_column_pitch: target.layout.columnPitch)
  }
}
