import CFloatKernels
import Parallelism
import Tensors

/// Maximum or average under a sliding window, plane by plane.
struct WindowReduction: Sendable {
  private let window: WindowGeometry
  private let splitter: PhaseSplitter
  private let kernels: KernelSet

  init(_ window: WindowGeometry, fill: Float, kernels: KernelSet = .best) {
    self.window = window
    self.kernels = kernels
    splitter = PhaseSplitter(window, fill: fill, kernels: kernels)
  }

  func maximum(_ x: Tensor, pool: WorkerPool) -> Tensor {
    reduce(x, pool: pool, run: kernels.table.pointee.window_max) { _ in }
  }

  /// Sums divided by `divisors`, one for each position of a plane.
  func average(_ x: Tensor, divisors: [Float], pool: WorkerPool) -> Tensor {
    reduce(x, pool: pool, run: kernels.table.pointee.window_sum) { plane in
      for index in plane.indices { plane[index] /= divisors[index] }
    }
  }

  private func reduce(
    _ x: Tensor, pool: WorkerPool,
    run: @escaping @convention(c) (UnsafePointer<fk_window>?) -> Void,
    finish: @Sendable (UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Tensor {
    let planes = x.shape[0] * x.shape[1]
    let count = window.outputCount
    let offsets = window.tapOffsets
    let ones = [Float](repeating: 1, count: offsets.count)
    let perTask = max(1, 65_536 / max(1, count * window.taps))
    return x.withElements(of: Float.self) { source in
      Tensor(shape: Array(x.shape.prefix(2)) + window.output) {
        (out: UnsafeMutableBufferPointer<Float>) in
        guard count > 0, let source = source.baseAddress, let out = out.baseAddress else { return }
        nonisolated(unsafe) let input = source
        nonisolated(unsafe) let output = out
        pool.forEach((planes + perTask - 1) / perTask) { task in
          let phases = FloatBuffer(count: window.phaseCount + kernelSlack)
          for plane in task * perTask..<min((task + 1) * perTask, planes) {
            splitter.split(input + plane * window.inputCount, into: phases.pointer)
            let target = output + plane * count
            offsets.withUnsafeBufferPointer { offsets in
              ones.withUnsafeBufferPointer { ones in
                var job = fk_window(
                  source: phases.pointer, offsets: offsets.baseAddress,
                  weights: ones.baseAddress, taps: window.taps, depth: window.axes[0].output,
                  height: window.axes[1].output, width: window.axes[2].output,
                  plane_pitch: window.planePitch, row_pitch: window.rowPitch, bias: 0,
                  low: -.infinity, high: .infinity, output: target)
                run(&job)
              }
            }
            finish(UnsafeMutableBufferPointer(start: target, count: count))
          }
        }
      }
    }
  }
}
