/// A measured step: its work and its time.
public struct KernelSample: Sendable, Codable, Equatable {
  /// The network in which it was measured.
  public var probe: String
  /// Several for a stretch of float nodes.
  public var workloads: [KernelWorkload]
  /// Of the step after; empty for the last.
  public var next: [KernelWorkload]
  /// Bytes of all weights of that network.
  public var networkWeightBytes: Double
  public var threads: Int
  public var seconds: Double

  public init(
    probe: String, workloads: [KernelWorkload], next: [KernelWorkload] = [],
    networkWeightBytes: Double, threads: Int, seconds: Double
  ) {
    self.probe = probe
    self.workloads = workloads
    self.next = next
    self.networkWeightBytes = networkWeightBytes
    self.threads = threads
    self.seconds = seconds
  }
}
