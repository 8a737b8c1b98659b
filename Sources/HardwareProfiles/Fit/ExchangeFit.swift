/// What an element costs that another core will read: what a step of one thread takes more before
/// one of several than in the same network on one thread.
public enum ExchangeFit {
  /// Seconds for each element, those of least relative error: the median of what each step says,
  /// weighted by what its elements count in it. Zero where no step exchanges any.
  public static func seconds(_ samples: [KernelSample], profile: HardwareProfile) -> Double {
    let networks = Dictionary(grouping: samples) { $0.probe }.values
    let points = networks.flatMap { network -> [(slope: Double, weight: Double)] in
      let counts = Dictionary(grouping: network) { $0.threads }
      let alone = counts[1] ?? []
      return counts.filter { $0.key > 1 && $0.value.count == alone.count }.values.flatMap { steps in
        zip(alone, steps).compactMap { alone, step in
          let elements = profile.exchanged(
            step.workloads, before: step.next, threads: step.threads)
          guard elements > 0, step.seconds > 0 else { return nil }
          return ((step.seconds - alone.seconds) / elements, elements / step.seconds)
        }
      }
    }.sorted { $0.slope < $1.slope }
    var left = points.reduce(0) { $0 + $1.weight } / 2
    for point in points {
      left -= point.weight
      if left <= 0 { return max(0, point.slope) }
    }
    return 0
  }
}
