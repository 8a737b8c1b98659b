import HardwareProfiles
import IntegerRuntime

/// Predicts the time of an inference from what its steps do.
struct LatencyModel {
  struct Prediction {
    /// One for each step; nil where the profile has no kernel for it.
    var steps: [Double?]
    /// Of the whole inference; steps without a kernel count as nothing.
    var seconds: Double
  }

  let profile: HardwareProfile
  let threads: Int

  init(_ profile: HardwareProfile, threads: Int) {
    self.profile = profile
    self.threads = threads
  }

  func prediction(of steps: [IntegerProfile.Step]) -> Prediction {
    prediction(of: steps.map(\.workloads))
  }

  /// For each step the elements that pass between cores after it.
  func exchanged(by steps: [[KernelWorkload]]) -> [Double] {
    steps.indices.map {
      profile.exchanged(
        steps[$0], before: $0 + 1 < steps.count ? steps[$0 + 1] : [], threads: threads)
    }
  }

  /// `steps`: the work of each, several pieces where nodes run as one.
  func prediction(of steps: [[KernelWorkload]]) -> Prediction {
    let weightBytes = steps.joined().reduce(0) { $0 + $1.storedBytes }
    let times = zip(steps, exchanged(by: steps)).map { step, exchanged -> Double? in
      let known = step.compactMap {
        profile.seconds(of: $0, threads: threads, weightBytes: weightBytes)
      }
      return known.count == step.count
        ? known.reduce(exchanged * profile.exchangeSeconds, +) : nil
    }
    return Prediction(
      steps: times, seconds: times.reduce(profile.inferenceSeconds) { $0 + ($1 ?? 0) })
  }
}
