import CIntegerKernels
import HardwareProfiles
import Parallelism

/// A convolution with one kernel for each channel.
struct DepthwiseOperation: Operation {
  let name: String
  let source: ValueID
  let target: ValueID
  let window: ConvolutionWindow
  var range: ResultRange
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
    // Where whole places fit a vector, a line of the result is one run of channels.
    let isFlat =
      window.strideColumns == 1 && to.channels < DepthwiseWeights.lane
      && DepthwiseWeights.lane % to.channels == 0
    let lines = to.images * to.height
    return [
      KernelWorkload(
        name: name, op: "Conv", kind: .depthwise, rows: isFlat ? lines : lines * to.width,
        depth: window.kernelRows * window.kernelColumns,
        columns: isFlat ? to.width * to.channels : to.channels,
        runs: lines, weightBits: bits, inputs: from.count, outputs: to.count)
    ]
  }

  /// The least width that holds the weights and leaves the sums, which the kernel then sees times
  /// `2^(8 - width)`, in int32.
  var bits: Int {
    let (least, most) = (Int(weights.min() ?? 0), Int(weights.max() ?? 0))
    let taps = window.kernelRows * window.kernelColumns
    let largestBias = bias.map { Int($0.magnitude) }.max() ?? 0
    return (2..<8).first { bits in
      least >= -(1 << (bits - 1)) && most < 1 << (bits - 1)
        && taps * 255 * 128 + largestBias << (8 - bits) <= Int(Int32.max)
    } ?? 8
  }

  /// Room for the weights as bytes, where they are kept narrower.
  func workspace(_ layouts: [ImageLayout]) -> Int {
    bits == 8 ? 0 : DepthwiseWeights.count(self, channels: layouts[source].channels)
  }

  func limited(to integers: ClosedRange<UInt8>) -> (any Operation)? {
    var result = self
    result.range = range.limited(to: integers)
    return result
  }

  func step(_ memory: PlanMemory) throws -> any Step { DepthwiseStep(self, memory) }
}

/// The weights of a depthwise convolution: a line of channels, filled up to whole groups, for each
/// tap; as bytes or packed to fewer bits.
private struct DepthwiseWeights {
  static let lane = Int(IK_GROUP)

  let pitch: Int
  let bits: Int
  let bias: AlignedBuffer<Int32>
  let multipliers: AlignedBuffer<Float>
  private let packed: AlignedBuffer<UInt8>
  private let groups: Int

  static func pitch(_ channels: Int) -> Int { (channels + lane - 1) / lane * lane }

  static func count(_ operation: DepthwiseOperation, channels: Int) -> Int {
    operation.window.kernelRows * operation.window.kernelColumns * pitch(channels)
  }

  init(_ operation: DepthwiseOperation, channels: Int) {
    pitch = DepthwiseWeights.pitch(channels)
    bits = operation.bits
    let taps = operation.window.kernelRows * operation.window.kernelColumns
    var lines = [Int8](repeating: 0, count: taps * pitch)
    for tap in 0..<taps {
      for channel in 0..<channels {
        lines[tap * pitch + channel] = operation.weights[tap * channels + channel]
      }
    }
    groups = lines.count / DepthwiseWeights.lane
    packed = AlignedBuffer(count: ik_packed_value_bytes(lines.count, Int32(bits)))
    ik_pack_values(lines, lines.count, Int32(bits), packed.pointer)
    let (scale, shift) = (Float(1 << (8 - bits)), Int32(8 - bits))
    bias = AlignedBuffer(operation.bias.map { $0 << shift }, count: pitch)
    multipliers = AlignedBuffer(operation.multipliers.map { $0 / scale }, count: pitch)
  }

  var byteCount: Int { packed.byteCount + bias.byteCount + multipliers.byteCount }

  /// The weights as bytes, widened into the workspace where they are narrower.
  func bytes(_ workspace: UnsafeMutablePointer<UInt8>?) -> UnsafePointer<Int8> {
    UnsafeRawPointer(bits == 8 ? packed.pointer : workspace ?? packed.pointer)
      .assumingMemoryBound(to: Int8.self)
  }

  func widen(into workspace: UnsafeMutablePointer<UInt8>?, _ kernels: KernelSet) {
    guard bits < 8, let workspace else { return }
    workspace.withMemoryRebound(to: Int8.self, capacity: groups * DepthwiseWeights.lane) {
      kernels.table.pointee.widen(packed.pointer, groups, Int32(bits), $0)
    }
  }
}

private final class DepthwiseStep: Step, @unchecked Sendable {
  let kernel: String
  let weightBytes: Int
  private let weights: DepthwiseWeights
  private let workspace: UnsafeMutablePointer<UInt8>?
  private let jobs: [ik_depthwise]
  private let target: PlacedValue
  private let rows: Int
  private let work: Int
  private let kernels: KernelSet

  init(_ operation: DepthwiseOperation, _ memory: PlanMemory) {
    let source = memory[operation.source]
    target = memory[operation.target]
    kernels = memory.kernels
    workspace = memory.workspace
    weights = DepthwiseWeights(operation, channels: source.layout.channels)
    let (weights, workspace, target) = (weights, workspace, target)
    jobs = (0..<source.layout.images).map { image in
      ik_depthwise(
        window: operation.window.over(source, image: image, into: target),
        weights: weights.bytes(workspace), weight_pitch: weights.pitch,
        bias: weights.bias.pointer, multipliers: weights.multipliers.pointer,
        zero: operation.range.zero, low: operation.range.low, high: operation.range.high)
    }
    rows = operation.window.outputRows
    work = operation.integerMultiplications
    kernel = "depthwise u8s\(weights.bits) \(memory.kernels.name)"
    weightBytes = weights.byteCount
  }

  func run(_ state: RunState) throws {
    target.fillHalo()
    weights.widen(into: workspace, kernels)
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
