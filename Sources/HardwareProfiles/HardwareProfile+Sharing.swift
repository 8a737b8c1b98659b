extension HardwareProfile {
  /// Whether several threads work on the step at once.
  public func isShared(_ workload: KernelWorkload, threads: Int) -> Bool {
    threads > 1 && kernel(for: workload, threads: threads)?.threads.contains(threads) == true
  }

  /// Elements that a step of one thread writes for one of several: it gets the memory back from the
  /// core that read a part of it in the run before. What steps of several threads take for that is
  /// in the costs of their kernels.
  public func exchanged(
    _ step: [KernelWorkload], before next: [KernelWorkload], threads: Int
  ) -> Double {
    guard let last = step.last, let first = next.first, !isShared(last, threads: threads),
      isShared(first, threads: threads)
    else { return 0 }
    return Double(last.outputs)
  }
}
