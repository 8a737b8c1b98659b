import Foundation
import Parallelism
import Tensors
import Testing

@testable import ProxySearch

/// What random plans teach of the sums that formulas predict.
@Suite struct PlanFitTests {
  /// Four layers at random damage, and what plans do where every layer has a factor of its own.
  private struct Network {
    var predictions: [[Double]] = []
    var distances: [[Double]] = []

    init(plans: Int, factors: [Double], noise: Double = 0, scales: [Double] = [3, 0.5]) {
      var random = SplitMix64(seed: 7)
      for _ in 0..<plans {
        let row = factors.map { _ in pow(4, -2 * random.unit()) }
        let sum = zip(row, factors).reduce(0) { $0 + $1.0 * $1.1 }
        predictions.append(row)
        distances.append(scales.map { $0 * sum * exp(noise * (random.unit() - 0.5)) })
      }
    }

    var fitted: [Double] {
      PlanFit(predictions: predictions, distances: distances).factors(layers: predictions[0].count)
    }
  }

  @Test func factorsOfTheLayersAreFoundInAnyScale() {
    let truth = [0.5, 1, 1.5, 1]
    let found = Network(plans: 200, factors: truth).fitted
    for (factor, expected) in zip(found, truth) {
      #expect(abs(factor / found[1] - expected) < 0.05, "\(found)")
    }
  }

  /// What differs from part to part of the samples says nothing of the layers.
  @Test func noiseKeepsFactorsNearOne() {
    let truth = [0.4, 1, 1.6, 1]
    let quiet = Network(plans: 24, factors: truth, noise: 0.1).fitted
    for (factor, expected) in zip(quiet, truth) {
      #expect(abs(factor / quiet[1] - expected) < 0.3, "\(quiet)")
    }
    let loud = Network(plans: 24, factors: [1, 1, 1, 1], noise: 6).fitted
    #expect(loud.allSatisfy { abs($0 - 1) < 0.5 }, "\(loud)")
  }

  @Test func fewOrEmptyPlansSayNothing() {
    #expect(Network(plans: 15, factors: [0.1, 4]).fitted == [1, 1])
    #expect(PlanFit(predictions: [], distances: []).factors(layers: 3) == [1, 1, 1])
    var network = Network(plans: 40, factors: [0.5, 1, 1.5])
    let expected = network.fitted
    network.predictions += [[0, 0, 0], [1, .infinity, 1], [1, 1, 1]]
    network.distances += [[1, 1], [1, 1], [0, 1]]
    #expect(network.fitted == expected)
  }

  @Test func aLayerThatSeemsHarmlessKeepsSomeDamage() {
    let found = Network(plans: 200, factors: [0, 1, 1]).fitted
    #expect(found[0] == 0.1)
  }

  // MARK: In formulas

  /// Three layers at 2 and 4 bits; plans say that the last does twice what is measured.
  private static func facts(measured: Bool = true) throws -> NetworkFacts {
    struct Unexpected: Error {}
    let layers = try ["first", "second", "third"].map { name in
      var layer = try TinyLayer.facts(name)
      layer.forms[4] = TinyLayer.form([2, -4, 1, 3])
      return layer
    }
    let damage: [[Int: Double]] = [[2: 8, 4: 1], [2: 4, 4: 0.5], [2: 4, 4: 0.5]]
    var facts = TinyLayer.costly()
    facts.measurements = {
      guard measured else { throw Unexpected() }
      return damage.map { layer in
        layer.mapValues { .init(distance: $0, smoothed: $0, divergence: $0, noise: $0) }
      }
    }
    facts.trials = {
      guard measured else { throw Unexpected() }
      return (0..<64).map { index in
        let widths = (0..<3).map { index >> $0 & 1 == 0 ? 2 : 4 }
        let sum = zip(damage, widths).enumerated().reduce(0.0) { sum, layer in
          sum + (layer.element.0[layer.element.1] ?? 0) * (layer.offset == 2 ? 2 : 1)
        }
        return CostlyFacts.Trial(widths: widths, distances: [sum, 2 * sum])
      }
    }
    return NetworkFacts(layers: layers, costly: facts, pool: WorkerPool(threadCount: 1))
  }

  @Test func fittedFormulasAreWorthWhatPlansSay() throws {
    let formula = try FormulaParser.parse("fitted(measured)")
    #expect(formula.isMeasured && formula.description == "fitted(measured)")
    #expect(formula.terms.map(\.name) == ["fitted", "measured"])
    let facts = try Self.facts()
    let table = try ProxyEvaluation(facts).sensitivities(formula)
    let damage = table.layers.map { $0.damage[2] ?? .nan }
    #expect(abs(damage[2] / damage[1] - 2) < 0.1, "\(damage)")
    #expect(abs(damage[0] / damage[1] - 2) < 0.1, "\(damage)")
    for layer in table.layers { #expect(layer.damage[2] == layer.damage[4].map { 8 * $0 }) }

    // What was read off the data stands for it in another run.
    let other = try Self.facts(measured: false)
    #expect(throws: (any Error).self) { try ProxyEvaluation(other).sensitivities(formula) }
    other.add(facts.readings)
    #expect(try ProxyEvaluation(other).sensitivities(formula) == table)
  }

  @Test func fittedTakesOneNumberOfEachLayer() throws {
    #expect(throws: FormulaError.self) { try FormulaParser.parse("fitted(W)") }
    #expect(throws: FormulaError.self) { try FormulaParser.parse("fitted(b, b)") }
    #expect(try FormulaParser.parse("fitted(b)").isMeasured)
    #expect(try !FormulaParser.parse("layers_mean(sum(dW))").isMeasured)
    #expect(Prompt.language(readsMeasurements: true).contains("fitted(x), x times"))
    #expect(!Prompt.language(readsMeasurements: false).contains("fitted"))
  }
}
