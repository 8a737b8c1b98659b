import CFloatKernels
import Parallelism

/// A convolution of float planes for one input shape: where every product finds its operands.
final class ConvolutionPlan: Sendable {
  let window: WindowGeometry
  let groups: Int
  /// Channels of one group.
  let inputChannels: Int
  let kernels: KernelSet
  private let splitter: PhaseSplitter
  private let depthOffsets: [Int]
  private let tapOffsets: [Int]

  init(window: WindowGeometry, groups: Int, inputChannels: Int, kernels: KernelSet = .best) {
    self.window = window
    self.groups = groups
    self.inputChannels = inputChannels
    self.kernels = kernels
    splitter = PhaseSplitter(window, fill: 0, kernels: kernels)
    let taps = window.tapOffsets
    let channel = window.phaseCount
    tapOffsets = taps
    depthOffsets = (0..<inputChannels).flatMap { index in taps.map { $0 + index * channel } }
  }

  var isDepthwise: Bool { inputChannels == 1 && groups > 1 }

  /// What a convolution adds to and does with its sums.
  struct Epilogue: @unchecked Sendable {
    var bias: UnsafePointer<Float>?
    /// Laid out as the output.
    var residual: UnsafePointer<Float>?
    var clamp = Clamp.none
  }

  /// Convolves one image with packed weights of `rows` output channels a group. `firstDepth`
  /// selects the part of the depth that the weights cover.
  func run(
    input: UnsafePointer<Float>, weights: PackedMatrix, firstDepth: Int = 0, epilogue: Epilogue,
    output: UnsafeMutablePointer<Float>, pool: WorkerPool
  ) {
    let count = window.outputCount
    guard count > 0 else { return }
    let channels = inputChannels * groups
    var scratch: FloatBuffer?
    var source = input
    if !window.isPlain {
      let buffer = FloatBuffer(count: channels * window.phaseCount + kernelSlack)
      splitter.split(input, channels: channels, into: buffer.pointer, on: pool)
      source = UnsafePointer(buffer.pointer)
      scratch = buffer
    }
    depthOffsets.withUnsafeBufferPointer { offsets in
      guard let start = offsets.baseAddress else { return }
      let products = (0..<groups).map { group in
        let firstRow = group * weights.rows
        return MatrixProduct(
          kernels: kernels,
          product: fk_product(
            rows: weights.group(group), row_count: weights.rows, depth: weights.depth,
            bias: epilogue.bias.map { $0 + firstRow },
            residual: epilogue.residual.map { $0 + firstRow * count },
            output: output + firstRow * count, row_stride: count, column_stride: 1,
            low: epilogue.clamp.low, high: epilogue.clamp.high),
          columns: columns(
            base: source + group * inputChannels * window.phaseCount,
            offsets: start + firstDepth))
      }
      let tasks = products[0].taskCount
      pool.forEach(tasks * groups) { products[$0 / tasks].run(task: $0 % tasks) }
    }
    withExtendedLifetime(scratch) {}
  }

  private func columns(
    base: UnsafePointer<Float>, offsets: UnsafePointer<Int>
  ) -> fk_columns {
    let plain = window.isPlain
    let axes = window.axes
    // Lines that follow each other without a gap are one long line.
    let merged =
      window.rowPitch == axes[2].output && window.planePitch == axes[1].output * axes[2].output
    return fk_columns(
      base: base, depth_offsets: offsets, count: window.outputCount,
      height: merged ? 1 : axes[1].output, width: merged ? window.outputCount : axes[2].output,
      plane_pitch: window.planePitch, row_pitch: window.rowPitch, padded: plain ? 0 : 1)
  }

  /// Convolves one image where every group has one input channel. `weights` holds
  /// `multiplier` kernels for each.
  func runDepthwise(
    input: UnsafePointer<Float>, weights: UnsafePointer<Float>, multiplier: Int,
    epilogue: Epilogue, output: UnsafeMutablePointer<Float>, pool: WorkerPool
  ) {
    let count = window.outputCount
    guard count > 0 else { return }
    let perTask = max(1, min(groups, 65_536 / max(1, count * window.taps)))
    nonisolated(unsafe) let input = input
    nonisolated(unsafe) let weights = weights
    nonisolated(unsafe) let output = output
    if let kernel = kernels.table.pointee.window_3x3, plane != nil {
      pool.forEach((groups + perTask - 1) / perTask) { task in
        guard var plane else { return }
        for channel in task * perTask * multiplier..<min((task + 1) * perTask, groups) * multiplier
        {
          plane.source = input + channel / multiplier * window.inputCount
          plane.weights = weights + channel * window.taps
          plane.bias = epilogue.bias?[channel] ?? 0
          plane.low = epilogue.clamp.low
          plane.high = epilogue.clamp.high
          plane.output = output + channel * count
          kernel(&plane)
        }
      }
      return
    }
    // Loads that span stores still in flight wait for them: many planes are split before the first
    // of them is read.
    let batch = max(1, min(perTask, 8_192 / window.phaseCount))
    pool.forEach((groups + perTask - 1) / perTask) { task in
      let phases = FloatBuffer(count: batch * window.phaseCount + kernelSlack)
      let lastGroup = min((task + 1) * perTask, groups)
      for first in stride(from: task * perTask, to: lastGroup, by: batch) {
        let last = min(first + batch, lastGroup)
        for group in first..<last {
          splitter.split(
            input + group * splitter.planeCount,
            into: phases.pointer + (group - first) * window.phaseCount)
        }
        reduce(
          channels: first * multiplier..<last * multiplier, multiplier: multiplier,
          phases: phases.pointer, weights: weights, epilogue: epilogue, output: output)
      }
    }
  }

  /// The window as one that needs no padded copy of the plane; nil where it is none.
  private var plane: fk_plane? {
    let (depth, rows, columns) = (window.axes[0], window.axes[1], window.axes[2])
    guard depth.input == 1, depth.output == 1, depth.kernel == 1, rows.kernel == 3,
      columns.kernel == 3, rows.dilation == 1, columns.dilation == 1,
      rows.stride == columns.stride, rows.stride <= 2, rows.padBegin >= 0, columns.padBegin >= 0
    else { return nil }
    return fk_plane(
      source: nil, height: rows.input, width: columns.input, pad_top: rows.padBegin,
      pad_left: columns.padBegin, stride: rows.stride, weights: nil, bias: 0, low: 0, high: 0,
      output: nil, output_height: rows.output, output_width: columns.output)
  }

  /// Slides the kernels of `channels` over `phases`, those of their groups one after another.
  private func reduce(
    channels: Range<Int>, multiplier: Int, phases: UnsafePointer<Float>,
    weights: UnsafePointer<Float>, epilogue: Epilogue, output: UnsafeMutablePointer<Float>
  ) {
    let axes = window.axes
    let (taps, count) = (window.taps, window.outputCount)
    tapOffsets.withUnsafeBufferPointer { offsets in
      var plane = fk_window(
        source: phases, offsets: offsets.baseAddress, weights: weights, taps: taps,
        depth: axes[0].output, height: axes[1].output, width: axes[2].output,
        plane_pitch: window.planePitch, row_pitch: window.rowPitch, bias: 0,
        low: epilogue.clamp.low, high: epilogue.clamp.high, output: output)
      let phaseCount = window.phaseCount
      for channel in channels {
        plane.source = phases + (channel - channels.lowerBound) / multiplier * phaseCount
        plane.weights = weights + channel * taps
        plane.bias = epilogue.bias?[channel] ?? 0
        plane.output = output + channel * count
        kernels.table.pointee.window_sum(&plane)
      }
    }
  }
}
