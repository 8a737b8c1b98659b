/// How long the stages of a study took, in seconds.
struct StudySeconds {
  /// The pass over the calibration samples.
  var calibration = 0.0
  /// Scales and integers of every width, and what they do to each layer's output.
  var weights = 0.0
  /// What formulas read off the data, and the formulas themselves.
  var proxies = 0.0

  /// Adds the time of `body` to a stage.
  mutating func measure<Result>(
    _ stage: WritableKeyPath<StudySeconds, Double>, _ body: () throws -> Result
  ) rethrows -> Result {
    let (result, seconds) = try Self.of(body)
    self[keyPath: stage] += seconds
    return result
  }

  /// What `body` gives, and how long it took.
  static func of<Result>(_ body: () throws -> Result) rethrows -> (Result, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    return (result, (clock.now - start) / .seconds(1))
  }
}
