import Foundation
import Tensors

/// Chooses how often each template is asked, from how fit what it led to was.
public struct TemplateController: Sendable, Equatable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case dpo, uniform, ucb1, fixed
  }

  /// What a template led to.
  public struct Outcome: Sendable, Equatable {
    public var template: PromptTemplate
    public var fitness: Double

    public init(template: PromptTemplate, fitness: Double) {
      self.template = template
      self.fitness = fitness
    }
  }

  /// Of a softmax over the templates, in the order of `PromptTemplate.allCases`.
  public internal(set) var theta = [0.0, 0.0, 0.0]
  let kind: Kind
  /// Strength of the preference within DPO's loss.
  static let beta = 1.0
  static let rate = 1.0
  static let steps = 4
  /// Share that is spread over all templates.
  static let exploration = 0.1
  /// Gaps of fitness below that tell nothing.
  static let leastGap = 1e-6
  private static let schedule: [PromptTemplate] = [
    .crossover, .mutate, .crossover, .mutate, .initialize,
  ]
  private var pulls = [0.0, 0.0, 0.0]
  private var rewards = [0.0, 0.0, 0.0]
  private var drawn = 0

  public init(_ kind: Kind) { self.kind = kind }

  /// Of the templates, in the order of `PromptTemplate.allCases`.
  public var probabilities: [Double] {
    switch kind {
    case .uniform: return [1, 1, 1].map { $0 / 3 }
    case .fixed:
      return PromptTemplate.allCases.map { template in
        Double(Self.schedule.count { $0 == template }) / Double(Self.schedule.count)
      }
    case .ucb1:
      let best = Self.bound(pulls: pulls, rewards: rewards)
      return (0..<3).map { $0 == best ? 1 : 0 }
    case .dpo:
      return Self.softmax(theta).map { (1 - Self.exploration) * $0 + Self.exploration / 3 }
    }
  }

  mutating func choose(_ random: inout SplitMix64) -> PromptTemplate {
    defer { drawn += 1 }
    let index: Int
    switch kind {
    case .fixed: return Self.schedule[drawn % Self.schedule.count]
    case .ucb1:
      index = Self.bound(pulls: pulls, rewards: rewards)
      // Until the generation is judged, a pull counts as one of average worth.
      let total = pulls.reduce(0, +)
      rewards[index] += total > 0 ? rewards.reduce(0, +) / total : 0.5
      pulls[index] += 1
    default: index = random.weighted(probabilities)
    }
    return PromptTemplate.allCases[index]
  }

  /// Learns from a generation. Worth is relative: the best outcome counts 1, the worst 0.
  mutating func observe(_ outcomes: [Outcome], pulledBefore: TemplateController) {
    guard let low = outcomes.map(\.fitness).min(), let high = outcomes.map(\.fitness).max() else {
      return
    }
    let range = max(high - low, Self.leastGap)
    switch kind {
    case .uniform, .fixed: return
    case .ucb1:
      (pulls, rewards) = (pulledBefore.pulls, pulledBefore.rewards)
      for outcome in outcomes {
        let index = Self.index(outcome.template)
        pulls[index] += 1
        rewards[index] += (outcome.fitness - low) / range
      }
    case .dpo:
      let pairs = Self.pairs(outcomes, range: range)
      let reference = theta
      for _ in 0..<Self.steps where !pairs.isEmpty {
        let slope = Self.gradient(pairs, theta: theta, reference: reference)
        for index in theta.indices { theta[index] -= Self.rate * slope[index] }
      }
    }
  }

  // MARK: Direct preference optimization (Rafailov et al., 2023), on three templates

  /// The first template led to something fitter than the second, by `margin` of the range.
  struct Pair: Equatable {
    var winner: Int
    var loser: Int
    var margin: Double
  }

  static func pairs(_ outcomes: [Outcome], range: Double) -> [Pair] {
    var pairs: [Pair] = []
    for (position, one) in outcomes.enumerated() {
      for other in outcomes[(position + 1)...] where one.template != other.template {
        let gap = one.fitness - other.fitness
        guard abs(gap) >= leastGap else { continue }
        let (winner, loser) = gap > 0 ? (one, other) : (other, one)
        pairs.append(
          Pair(
            winner: index(winner.template), loser: index(loser.template),
            margin: min(abs(gap) / range, 1)))
      }
    }
    return pairs
  }

  /// Mean over the pairs of `-margin * log sigma(u)` with
  /// `u = beta * ((theta_w - theta_l) - (ref_w - ref_l))`; the softmax's normalizer cancels.
  static func loss(_ pairs: [Pair], theta: [Double], reference: [Double]) -> Double {
    pairs.reduce(0) { $0 - $1.margin * log(sigmoid(advantage($1, theta, reference))) }
      / Double(max(pairs.count, 1))
  }

  /// Of the loss: `-beta * sigma(-u) * margin` for the winner, the opposite for the loser.
  static func gradient(_ pairs: [Pair], theta: [Double], reference: [Double]) -> [Double] {
    var slope = [0.0, 0.0, 0.0]
    for pair in pairs {
      let push =
        beta * sigmoid(-advantage(pair, theta, reference)) * pair.margin / Double(pairs.count)
      slope[pair.winner] -= push
      slope[pair.loser] += push
    }
    return slope
  }

  static func softmax(_ theta: [Double]) -> [Double] {
    let high = theta.max() ?? 0
    let powers = theta.map { exp($0 - high) }
    let total = powers.reduce(0, +)
    return powers.map { $0 / total }
  }

  private static func advantage(_ pair: Pair, _ theta: [Double], _ reference: [Double]) -> Double {
    beta
      * ((theta[pair.winner] - theta[pair.loser])
        - (reference[pair.winner] - reference[pair.loser]))
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// UCB1's choice (Auer et al., 2002): mean reward plus `sqrt(2 log n / n_i)`.
  private static func bound(pulls: [Double], rewards: [Double]) -> Int {
    if let fresh = pulls.firstIndex(of: 0) { return fresh }
    let total = pulls.reduce(0, +)
    let bounds = zip(pulls, rewards).map { $1 / $0 + (2 * log(total) / $0).squareRoot() }
    return bounds.indices.max { bounds[$0] < bounds[$1] } ?? 0
  }

  private static func index(_ template: PromptTemplate) -> Int {
    PromptTemplate.allCases.firstIndex(of: template) ?? 0
  }
}
