import HardwareProfiles
import IntegerRuntime

/// What the layers of a network cost on a device at every width.
struct DeviceCosts {
  /// Bytes of activations.
  let arenaBytes: Int
  /// Seconds of everything but the layers.
  let fixedSeconds: Double
  private let profile: HardwareProfile?
  private let threads: Int
  /// The work of the layers whose bits are to be chosen, by name.
  private let works: [String: KernelWorkload]
  /// Of all layers at 8 bits.
  private let weightBytes: Double

  /// Throws where the device has no memory for the activations.
  init(_ limits: DeviceLimits, footprint: IntegerFootprint, layers: Set<String>) throws {
    if let ram = limits.ram, footprint.arenaBytes > ram {
      throw DeviceError.activations(
        limit: ram, needed: footprint.arenaBytes, step: footprint.peakStep ?? "")
    }
    if let profile = limits.profile, limits.latency != nil, profile.kernels.isEmpty {
      throw DeviceError.noKernels(profile: profile.name)
    }
    arenaBytes = footprint.arenaBytes
    (profile, threads) = (limits.profile, limits.threads)
    let steps = footprint.steps.filter {
      layers.contains($0.name) && $0.workloads.count == 1 && $0.workloads[0].weightBits > 0
    }
    works = Dictionary(steps.map { ($0.name, $0.workloads[0]) }) { first, _ in first }
    let bytes = footprint.steps.flatMap(\.workloads).reduce(0) { sum, work in
      var wide = work
      if work.weightBits > 0 { wide.weightBits = 8 }
      return sum + wide.weightBytes
    }
    weightBytes = bytes
    let (known, profile, threads) = (works, limits.profile, limits.threads)
    fixedSeconds = footprint.steps.filter { known[$0.name] == nil }.flatMap(\.workloads)
      .reduce(profile?.inferenceSeconds ?? 0) {
        $0 + (profile?.seconds(of: $1, threads: threads, weightBytes: bytes) ?? 0)
      }
  }

  /// Whether the device says what its kernels cost.
  var hasLatency: Bool { profile.map { !$0.kernels.isEmpty } ?? false }

  /// Seconds of a layer; 0 for one that runs as part of another step, nil without a kernel.
  func seconds(layer name: String, bits: Int) -> Double? {
    guard var work = works[name] else { return 0 }
    work.weightBits = bits
    return profile?.seconds(of: work, threads: threads, weightBytes: weightBytes)
  }
}
