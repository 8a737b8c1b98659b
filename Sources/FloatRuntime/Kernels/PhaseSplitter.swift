import CFloatKernels
import Parallelism

/// Copies planes into zero-padded stride phases.
struct PhaseSplitter: @unchecked Sendable {
  private let kernels: KernelSet
  private let geometry: fk_phases
  let planeCount: Int
  let phaseCount: Int

  init(_ window: WindowGeometry, fill: Float, kernels: KernelSet) {
    let axes = window.axes
    func triple(_ value: (WindowGeometry.Axis) -> Int) -> (Int, Int, Int) {
      (value(axes[0]), value(axes[1]), value(axes[2]))
    }
    self.kernels = kernels
    geometry = fk_phases(
      input: triple(\.input), extent: triple(\.extent), stride: triple(\.stride),
      pad: triple(\.padBegin), phases: triple(\.phases), fill: fill)
    planeCount = window.inputCount
    phaseCount = window.phaseCount
  }

  func split(_ plane: UnsafePointer<Float>, into phases: UnsafeMutablePointer<Float>) {
    withUnsafePointer(to: geometry) { kernels.table.pointee.split_phases($0, plane, phases) }
  }

  /// Splits `channels` consecutive planes.
  func split(
    _ planes: UnsafePointer<Float>, channels: Int, into phases: UnsafeMutablePointer<Float>,
    on pool: WorkerPool
  ) {
    let perTask = max(1, 8_192 / max(phaseCount, 1))
    nonisolated(unsafe) let source = planes
    nonisolated(unsafe) let target = phases
    pool.forEach((channels + perTask - 1) / perTask) { task in
      for channel in task * perTask..<min((task + 1) * perTask, channels) {
        split(source + channel * planeCount, into: target + channel * phaseCount)
      }
    }
  }
}
