import Foundation
public import HardwareProfiles
import IntegerRuntime

/// `tapq profiles calibrate`: measures the kernels of this machine and fits a profile to them.
public enum ProfileCalibration {
  public struct Measurement: Sendable {
    public var samples: [KernelSample]
    /// Median seconds of a run that no step accounts for.
    public var overhead: Double
  }

  public static func measure(
    threads: [Int], seconds: Double, progress: (_ done: Int, _ count: Int) -> Void
  ) throws -> Measurement {
    var samples: [KernelSample] = []
    var overheads: [Double] = []
    let count = ProbePlan.probes.count * threads.count
    for threads in threads {
      for probe in ProbePlan.probes {
        let result = try ProbeTimer.time(
          probe, threads: threads, budget: seconds / Double(max(count, 1)))
        samples += result.samples
        overheads.append(result.overhead)
        progress(overheads.count, count)
      }
    }
    return Measurement(samples: samples, overhead: overheads.sorted()[overheads.count / 2])
  }

  /// Bytes of the second-level cache of a core; nil where the system does not say.
  static var cacheBytes: Int? {
    let bytes = sysconf(Int32(_SC_LEVEL2_CACHE_SIZE))
    return bytes > 0 ? bytes : nil
  }

  public static func fit(_ measurement: Measurement, name: String, title: String) -> (
    profile: HardwareProfile, fit: KernelFit
  ) {
    let tile = IntegerEngine.productTile
    let fit = KernelFit(
      measurement.samples,
      machine: .init(
        tile: .init(rows: tile.rows, columns: tile.columns, lanes: tile.lanes, depth: 4),
        lanes: tile.lanes, cache: cacheBytes))
    let threads = Set(measurement.samples.map(\.threads))
    let profile = HardwareProfile(
      name: name, title: title, software: "tapq", cores: threads.max() ?? 1, clock: 1e9,
      memory: .init(cache: cacheBytes),
      precisions: [
        .init(operators: ["Conv", "Gemm", "MatMul"], weights: Array(2...8), activations: [8])
      ], kernels: fit.kernels, inferenceSeconds: measurement.overhead,
      provenance: .init(kind: .measured, fitError: fit.medianError))
    return (profile, fit)
  }
}
