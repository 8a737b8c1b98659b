import FloatRuntime
import Tensors

/// What is counted while samples pass by.
struct EvaluationTally {
  private let outputs: [String]
  private let labels: [Int]?
  private var samples = 0
  /// Rows of classes seen: a sample has one, or the model's fixed batch of them.
  private var rows = 0
  private var hasClasses = true
  private var compares = false
  private var correct = 0
  private var referenceCorrect = 0
  private var agreeing = 0
  private var divergence = 0.0
  /// Decided by the first row of the reference: probabilities stay what they are.
  private var givesProbabilities: Bool?
  private var noise: [String: NoiseStatistics] = [:]

  init(outputs: [String], labels: [Int]?) {
    self.outputs = outputs
    self.labels = labels
  }

  mutating func add(
    _ values: [String: RuntimeValue], reference: [String: RuntimeValue]?, samples count: Int
  ) throws {
    samples += count
    if let reference { try addNoise(values, reference: reference) }
    guard let name = outputs.first, case .tensor(let tensor)? = values[name],
      let scores = ClassScores.rows(of: tensor)
    else {
      hasClasses = false
      return
    }
    var referenceScores: [[Double]]?
    if case .tensor(let other)? = reference?[name] { referenceScores = ClassScores.rows(of: other) }
    for (index, row) in scores.enumerated() {
      addRow(row, reference: referenceScores?[index])
    }
  }

  private mutating func addRow(_ row: [Double], reference: [Double]?) {
    let winner = ClassScores.winner(row)
    let label = labels.flatMap { rows < $0.count ? $0[rows] : nil }
    rows += 1
    if winner == label { correct += 1 }
    guard let reference else { return }
    let expected = ClassScores.winner(reference)
    if expected == label { referenceCorrect += 1 }
    if expected == winner { agreeing += 1 }
    let isDistribution = givesProbabilities ?? ClassScores.isDistribution(reference)
    givesProbabilities = isDistribution
    divergence += ClassScores.divergence(
      of: isDistribution ? row : ClassScores.softmax(row),
      from: isDistribution ? reference : ClassScores.softmax(reference))
  }

  private mutating func addNoise(
    _ values: [String: RuntimeValue], reference: [String: RuntimeValue]
  ) throws {
    compares = true
    for name in outputs {
      guard let other = reference[name] else { throw EvaluationError.outputMissing(name: name) }
      guard case .tensor(let value)? = values[name], case .tensor(let expected) = other,
        let numbers = FloatConversion.values(of: value),
        let expectedNumbers = FloatConversion.values(of: expected)
      else { continue }
      guard value.shape == expected.shape else {
        throw EvaluationError.outputShape(
          name: name, found: value.shape, reference: expected.shape)
      }
      noise[name, default: NoiseStatistics()].add(numbers, reference: expectedNumbers)
    }
  }

  func report(preprocessing: Preprocessing) -> EvaluationReport {
    let total = Double(max(rows, 1))
    let counts = hasClasses && rows > 0
    let isLabelled = labels != nil && counts
    return EvaluationReport(
      samples: samples,
      top1: isLabelled ? Double(correct) / total : nil,
      referenceTop1: isLabelled && compares ? Double(referenceCorrect) / total : nil,
      agreement: counts && compares ? Double(agreeing) / total : nil,
      sqnrDecibels: outputs.first.flatMap { noise[$0]?.decibels },
      divergence: counts && compares ? divergence / total : nil,
      outputs: outputs.compactMap { name in
        noise[name].map {
          EvaluationReport.Output(
            name: name, sqnrDecibels: $0.decibels, largestDifference: $0.largestDifference)
        }
      },
      preprocessing: preprocessing)
  }
}
