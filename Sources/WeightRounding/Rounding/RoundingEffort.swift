/// How much time rounding may take: seconds, tens of seconds or minutes for a network of the size
/// of ResNet-18.
public enum RoundingEffort: String, Sendable, Codable, CaseIterable {
  case fast, balanced, best

  /// Scales that are tried around the one of least squared error.
  var scaleFactors: [Float] {
    switch self {
    case .fast: [1]
    case .balanced: [1, 0.7, 0.8, 0.9, 1.1, 1.25]
    case .best: [1, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.2, 1.3]
    }
  }

  /// Rounds of descent, scale fit and fresh feedback.
  var rounds: Int {
    switch self {
    case .fast: 0
    case .balanced: 3
    case .best: 6
    }
  }

  /// Multiply-adds that the input moments of a layer may take.
  var momentArithmetic: Int {
    switch self {
    case .fast: 1_000_000_000
    case .balanced: 8_000_000_000
    case .best: 100_000_000_000
    }
  }

  /// Multiply-adds that learning may take, and the steps that are enough.
  var learningArithmetic: Int {
    switch self {
    case .fast: 100_000_000_000
    case .balanced: 1_500_000_000_000
    case .best: 30_000_000_000_000
    }
  }
  var learningSteps: Int {
    switch self {
    case .fast: 60
    case .balanced: 300
    case .best: 2000
    }
  }

  /// Multiply-adds that judging layers and plans may take.
  var trialArithmetic: Int {
    switch self {
    case .fast: 10_000_000_000
    case .balanced: 400_000_000_000
    case .best: 10_000_000_000_000
    }
  }
}
