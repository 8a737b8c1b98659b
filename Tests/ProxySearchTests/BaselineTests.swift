import Foundation
import Parallelism
import Testing

@testable import ProxySearch

/// The shipped proxies on a layer that was computed by hand.
@Suite struct BaselineTests {
  private static let theta: [Double] = [exp(-0.6), exp(-0.8), exp(-1.0)]

  /// Values of the first layer.
  private static let values: [(String, Double)] = [
    ("mse", 1.2), ("mse-per-weight", 0.3), ("relative-mse", 0.08), ("input-weighted-mse", 2.88),
    ("output-mse", 3.68), ("relative-output-mse", 0.116899619),
    ("relative-output-mse-gptq", 0.205844981), ("step-size", 1.5), ("sum-bits", -2),
    ("bparams", -8), ("bops", -128), ("measured", 0.5), ("measured-smooth", 0.4),
    ("measured-blend", pow(0.4 * 0.3 * 0.205844981, 1.0 / 3)),
    ("measured-together", pow(0.4 * 0.3 * 0.205844981, 1.0 / 3)), ("kl", 0.2),
    ("sqnr", 0.3),
    ("searched", (0.116899619 * 11.4 * (2 * 0.116899619 + 2.8 * 0.08)).squareRoot()),
    ("hawq", 0.9), ("hawq-v2", 2.4), ("hawq-bits", -6), ("hawq-v2-bits", -16), ("snip", -8.5),
    ("synflow", -14), ("fisher", -5.0), ("emq", -0.795183526), ("modelopt-gradient", 4.08),
    ("fit", 1.041666667), ("fisher-weighted-mse", 1.38), ("llm-mq", 1.25), ("taylor", 0.46875),
    ("cmpq", 1.828552981), ("qe", -8 * log(1.0089)), ("aptq", 0.9), ("cptquant-cmpq", 0.056),
    ("cptquant-pmpq", 0.008), ("cptquant-tdmpq", 0.08),
    ("auto-prox", -2 * (log(5.25) + (0.9375 * 15.74).squareRoot())),
    ("orm", -2 * theta[0]), ("ompq", -0.25 * mean(theta)),
  ]

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  @Test(arguments: values)
  func valuesAreThoseOfThePapers(name: String, expected: Double) throws {
    let facts = try TinyLayer.network()
    let table = try ProxyEvaluation(facts).sensitivities(try ProxyLibrary.proxy(name).formula)
    let value = try #require(table.layers[0].damage[2])
    #expect(abs(value - expected) <= 1e-6 * max(1, abs(expected)), "\(value)")
  }

  @Test func everyShippedProxyIsTested() throws {
    #expect(try ProxyLibrary.all().count == Self.values.count)
  }

  @Test func layersWithoutSignalOrErrorHaveNoRelativeError() throws {
    let facts = try TinyLayer.network()
    let formula = try ProxyLibrary.proxy("relative-output-mse").formula
    let table = try ProxyEvaluation(facts).sensitivities(formula)
    #expect(table.layers[1].damage[2] == 0)
    #expect(table.layers[2].damage[2] == 0)
  }

  private static let cases: [(String, [Double])] = [
    ("layers_sum(depth)", [3, 3, 3]), ("layers_rank(-depth)", [1, 2 / 3.0, 1 / 3.0]),
    ("tail_mean(depth)", [1, 1.5, 2]), ("depth / layers_max(depth)", [0, 0.5, 1]),
    ("sum(column_sum(W) * X1)", [3.6, 0, 2]), ("sum(row_max(W))", [4, 4, 3]),
    ("sum(matmul(dW, X2))", [-3.6, 0, 0]), ("sum(softmax(W))", [2, 2, 2]),
    ("std(S)", [0.5, 0.5, 0.5]), ("sum(minmax(W))", [11 / 5.2, 11 / 5.2, 2.25]),
    ("sum(normalize(S))", [0, 0, 0]), ("is_product + is_conv", [1, 1, 1]),
    ("log(-1) + sqrt(-4) + abslog(0)", [0, 0, 0]),
  ]

  @Test(arguments: cases)
  func primitives(text: String, expected: [Double]) throws {
    let facts = try TinyLayer.network()
    let table = try ProxyEvaluation(facts).sensitivities(FormulaParser.parse(text))
    for (layer, value) in zip(table.layers, expected) {
      let found = try #require(layer.damage[2])
      #expect(abs(found - value) < 1e-6, "\(layer.name): \(found)")
    }
  }

  @Test func whatIsNotFiniteIsRefusedByName() throws {
    let facts = try TinyLayer.network()
    #expect(
      throws: ProxyError.notFinite(
        layer: "silent", bits: 2, part: "sum(dW) / sum(Y2)", value: "-inf")
    ) {
      try ProxyEvaluation(facts).sensitivities(FormulaParser.parse("sum(dW) / sum(Y2)"))
    }
    #expect(throws: ProxyError.self) {
      try ProxyEvaluation(facts).sensitivities(FormulaParser.parse("exp(1000 * b)"))
    }
    #expect(throws: ProxyError.self) {
      try ProxyEvaluation(facts).sensitivities(FormulaParser.parse("least(1, exp(1000 * b))"))
    }
  }

  /// Readings of one run stand for the data in another, where nothing that is costly may be computed.
  @Test func readingsStandForTheData() throws {
    let formulas = try [
      "measured * trace * layers_rank(sum(sq(dW)) / params)", "mean(G2) + sum(dYG2) / b",
    ].map { try FormulaParser.parse($0) }
    let facts = try TinyLayer.network()
    let expected = try formulas.map { try ProxyEvaluation(facts).sensitivities($0) }
    func fail<Result>() throws -> Result { throw ProxyError.width(layer: "costly", bits: 0) }
    let other = NetworkFacts(
      layers: facts.layers,
      costly: CostlyFacts(
        feedbackForm: { _, _ in try fail() }, measurements: { try fail() },
        trials: { try fail() },
        similarities: { try fail() }, gradients: { try fail() }, traces: { try fail() },
        eigenvalues: { try fail() }, virtualGradients: { try fail() },
        synapticFlows: { try fail() }, localTraces: { try fail() },
        prunedDistances: { try fail() }, disturbedDistances: { try fail() }),
      pool: WorkerPool(threadCount: 1))
    #expect(throws: ProxyError.self) {
      try ProxyEvaluation(other).sensitivities(formulas[0])
    }
    var readings = facts.readings
    readings["no formula ("] = ["first": [2: 1]]
    readings["trace", default: [:]]["no layer"] = [0: 1]
    other.add(readings)
    #expect(try formulas.map { try ProxyEvaluation(other).sensitivities($0) } == expected)
    #expect(other.readings == facts.readings)
  }

  @Test func evaluationIsDeterministic() throws {
    let formula = try FormulaParser.parse("norm(dW * X2) / (l1(W) + 1) * layers_std(sum(dY2))")
    let first = try ProxyEvaluation(TinyLayer.network()).sensitivities(formula)
    let second = try ProxyEvaluation(TinyLayer.network()).sensitivities(formula)
    #expect(first == second)
  }
}
