/// How far the predictions of a profile are from measured steps.
public struct FitError: Sendable, Codable, Equatable {
  public var kind: KernelWorkload.Kind
  public var threads: Int
  /// Steps that were measured.
  public var samples: Int
  /// Median of |predicted / measured - 1|; nil where the profile has no kernel for them.
  public var median: Double?

  /// One for each kind and number of threads.
  public static func of(_ profile: HardwareProfile, _ samples: [KernelSample]) -> [FitError] {
    let groups = Dictionary(grouping: samples.filter { $0.workloads.count == 1 }) {
      Group(kind: $0.workloads[0].kind, threads: $0.threads)
    }
    return groups.sorted { $0.key < $1.key }.map { group, samples in
      FitError(
        kind: group.kind, threads: group.threads, samples: samples.count,
        median: median(of: profile, samples))
    }
  }

  /// Median over all samples that the profile has kernels for; nil where it has none.
  public static func median(of profile: HardwareProfile, _ samples: [KernelSample]) -> Double? {
    let errors = samples.compactMap { sample -> Double? in
      let parts = sample.workloads.compactMap {
        profile.seconds(of: $0, threads: sample.threads, weightBytes: sample.networkWeightBytes)
      }
      guard parts.count == sample.workloads.count, sample.seconds > 0 else { return nil }
      let exchanged = profile.exchanged(
        sample.workloads, before: sample.next, threads: sample.threads)
      return abs(parts.reduce(exchanged * profile.exchangeSeconds, +) / sample.seconds - 1)
    }
    return errors.isEmpty ? nil : errors.sorted()[errors.count / 2]
  }

  private struct Group: Hashable, Comparable {
    var kind: KernelWorkload.Kind
    var threads: Int

    static func < (left: Group, right: Group) -> Bool {
      (left.threads, left.kind.rawValue) < (right.threads, right.kind.rawValue)
    }
  }
}
