/// Splits samples so that what is rounded on some is judged on others.
struct SampleFolds: Sendable {
  struct Fold: Sendable {
    let training: [Int]
    let held: [Int]
  }

  let folds: [Fold]

  /// The first `count` folds, with at most `held` samples to judge on.
  func limited(to count: Int, held: Int = .max) -> [Fold] {
    folds.prefix(count).map { fold in
      Fold(training: fold.training, held: Array(fold.held.prefix(held)))
    }
  }

  /// At most `wanted` folds of interleaved samples. A single sample has to serve for both.
  init(samples: Int, wanted: Int) {
    let count = min(wanted, samples)
    guard count > 1 else {
      let all = Array(0..<samples)
      folds = [Fold(training: all, held: all)]
      return
    }
    folds = (0..<count).map { fold in
      Fold(
        training: (0..<samples).filter { $0 % count != fold },
        held: (0..<samples).filter { $0 % count == fold })
    }
  }
}
