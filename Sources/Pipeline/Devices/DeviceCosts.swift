import HardwareProfiles
import IntegerRuntime
import Quantization

/// What the layers of a network cost on a device at every precision.
struct DeviceCosts {
  /// Bytes of activations.
  let arenaBytes: Int
  /// Seconds of everything but the layers.
  let fixedSeconds: Double
  /// Layers of which groups of channels are chosen for; nil where all are whole.
  var groups: ChannelGroups?
  private let profile: HardwareProfile?
  private let threads: Int
  /// The work of the layers whose bits are to be chosen, by name.
  private let works: [String: KernelWorkload]
  /// Of all layers at 8 bits.
  private let weightBytes: Double

  /// `footprint` gives what the network takes with layers of some width. Narrow depthwise weights
  /// are widened into working memory: where RAM has no room for that, they keep 8 bits, which
  /// `allowed` then says. Throws where the device has no memory for the activations.
  init(
    _ limits: DeviceLimits, layers: Set<String>, allowed: inout [String: [Precision]],
    footprint plan: (_ bits: Int) throws -> IntegerFootprint
  ) throws {
    let least = allowed.values.joined().map(\.weightBits).min() ?? 8
    var footprint = try plan(least)
    if let ram = limits.ram, footprint.arenaBytes > ram {
      footprint = try plan(8)
      let depthwise = footprint.steps.filter { $0.workloads.contains { $0.kind == .depthwise } }
      for step in depthwise {
        let wide = allowed[step.name]?.filter { $0.weightBits == 8 } ?? []
        if !wide.isEmpty { allowed[step.name] = wide }
      }
      guard footprint.arenaBytes <= ram else {
        throw DeviceError.activations(
          limit: ram, needed: footprint.arenaBytes, step: footprint.peakStep ?? "")
      }
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
      return sum + wide.storedBytes
    }
    weightBytes = bytes
    fixedSeconds = DeviceCosts.fixedSeconds(
      footprint.steps, limits, layers: works, weightBytes: bytes)
  }

  /// What an inference takes beside the layers whose widths are chosen: all other steps, and what
  /// passes between cores, which hardly depends on widths.
  private static func fixedSeconds(
    _ steps: [IntegerFootprint.Step], _ limits: DeviceLimits, layers: [String: KernelWorkload],
    weightBytes: Double
  ) -> Double {
    guard let profile = limits.profile else { return 0 }
    let model = LatencyModel(profile, threads: limits.threads)
    let exchanged = model.exchanged(by: steps.map(\.workloads)).reduce(0, +)
    return steps.filter { layers[$0.name] == nil }.flatMap(\.workloads)
      .reduce(profile.inferenceSeconds + exchanged * profile.exchangeSeconds) {
        $0 + (profile.seconds(of: $1, threads: limits.threads, weightBytes: weightBytes) ?? 0)
      }
  }

  /// Whether the device says what its kernels cost.
  var hasLatency: Bool { profile.map { !$0.kernels.isEmpty } ?? false }

  /// Seconds of a layer; 0 for one that runs as part of another step, nil without a kernel.
  func seconds(layer name: String, at precision: Precision) -> Double? {
    let share = groups?.share(of: name)
    guard var work = works[share?.layer ?? name] else { return 0 }
    if let share {
      work.columns = Int((Double(work.columns) * share.channels).rounded())
      work.outputs = Int((Double(work.outputs) * share.channels).rounded())
    }
    work.weightBits = precision.weightBits
    work.activationBits = precision.activationBits
    return profile?.seconds(of: work, threads: threads, weightBytes: weightBytes)
  }
}
