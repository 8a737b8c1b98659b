/// Splits samples so that what is rounded on some is judged on others.
struct SampleFolds: Sendable {
  struct Fold: Sendable {
    /// Samples and variants to round on.
    let training: [Int]
    /// Samples to judge on.
    let held: [Int]
  }

  let folds: [Fold]
  /// The held samples of every fold, with their variants.
  let parts: [[Int]]

  /// At most `wanted` folds of interleaved samples. A single sample has to serve for both.
  init(_ samples: RoundingSamples, wanted: Int) {
    let all = Array(samples.feeds.indices)
    let count = min(wanted, samples.count)
    guard count > 1 else {
      folds = [Fold(training: all, held: Array(0..<samples.count))]
      parts = [all]
      return
    }
    let parts = (0..<count).map { fold in all.filter { $0 % samples.count % count == fold } }
    self.parts = parts
    folds = parts.map { part in
      let members = Set(part)
      return Fold(
        training: all.filter { !members.contains($0) }, held: part.filter { $0 < samples.count })
    }
  }

  /// The first `count` folds, with at most `held` samples to judge on.
  func limited(to count: Int, held: Int = .max) -> [Fold] {
    folds.prefix(count).map { fold in
      Fold(training: fold.training, held: Array(fold.held.prefix(held)))
    }
  }
}
