import Foundation
import GraphIR
import HardwareProfiles
import IntegerRuntime
import Tensors

/// Times the steps of probe networks on the integer engine.
enum ProbeTimer {
  private static let warmUps = 3
  private static let fewestRuns = 15
  private static let mostRuns = 100

  struct Result {
    /// One for each step.
    var samples: [KernelSample]
    /// Seconds of a run that no step accounts for.
    var overhead: Double

    /// Of several results of one network, what is seen more than once: the second fastest time of
    /// every step.
    static func typical(_ results: [Result]) -> Result? {
      func secondLeast(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.count > 1 ? sorted[1] : sorted.first ?? 0
      }
      guard var typical = results.first else { return nil }
      for step in typical.samples.indices {
        typical.samples[step].seconds = secondLeast(results.map { $0.samples[step].seconds })
      }
      typical.overhead = secondLeast(results.map(\.overhead))
      return typical
    }
  }

  /// `budget`: seconds that the network may take, about.
  static func time(
    _ probe: ProbePlan.Probe, threads: Int, budget: Double
  ) throws -> Result {
    let network = probe.make()
    let engine = try IntegerEngine(model: network.model, threads: threads)
    let values = (0..<Tensor.count(of: network.input.shape)).map { Float($0 % 13) / 2 - 3 }
    let feed = [network.input.name: Tensor(values, shape: network.input.shape)]
    for _ in 0..<warmUps { _ = try engine.run(feed) }
    var runs: [[Int]] = []
    var wholes: [Int] = []
    var steps: [IntegerProfile.Step] = []
    let start = DispatchTime.now().uptimeNanoseconds
    while runs.count < fewestRuns
      || (runs.count < mostRuns
        && Double(DispatchTime.now().uptimeNanoseconds - start) < budget * 1e9)
    {
      let profile = try engine.profile(feed)
      steps = profile.steps
      runs.append(steps.map(\.nanoseconds))
      let before = DispatchTime.now().uptimeNanoseconds
      _ = try engine.run(feed)
      wholes.append(Int(DispatchTime.now().uptimeNanoseconds - before))
    }
    let medians = steps.indices.map { step in median(runs.map { $0[step] }) }
    let weightBytes = steps.flatMap(\.workloads).reduce(0) { $0 + $1.storedBytes }
    return Result(
      samples: steps.indices.map { index in
        KernelSample(
          probe: probe.name, workloads: steps[index].workloads,
          next: index + 1 < steps.count ? steps[index + 1].workloads : [],
          networkWeightBytes: weightBytes, threads: threads, seconds: medians[index] / 1e9)
      }, overhead: max(0, median(wholes) - medians.reduce(0, +)) / 1e9)
  }

  private static func median(_ values: [Int]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : Double(sorted[sorted.count / 2])
  }
}
