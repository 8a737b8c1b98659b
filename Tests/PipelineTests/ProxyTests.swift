import Foundation
import ProxySearch
import TestSupport
import Testing

@testable import Pipeline

/// Proxies on the network of `models/`, from calibration to plans.
@Suite struct ProxyTests {
  private static func scoreOptions(_ folder: TemporaryFolder) -> ProxyScore.Options {
    var quantize = QuantizeTests.options(folder)
    quantize.effort = .fast
    quantize.threads = 2
    var options = ProxyScore.Options(models: [quantize.model], quantize: quantize)
    options.budgets = [3, 4]
    options.plans = 12
    options.cache = folder.path("cache")
    return options
  }

  @Test func proxiesDecideTheBits() throws {
    let folder = try TemporaryFolder()
    func report(_ proxy: String) throws -> QuantizeReport {
      var options = QuantizeTests.options(folder, "\(proxy).onnx")
      options.effort = .fast
      options.averageBits = 4
      options.proxy = try ProxyLibrary.proxy(proxy)
      return try Quantize.run(options)
    }
    let sumBits = try report("sum-bits")
    #expect(sumBits.proxy == "sum-bits")
    #expect(sumBits.averageWeightBits <= 4)
    #expect(sumBits.layers.allSatisfy { $0.sensitivity == -Double($0.weightBits) })
    let relative = try report("relative-output-mse-gptq")
    #expect(relative.averageWeightBits <= 4)
    #expect(relative.layers.map(\.weightBits) != sumBits.layers.map(\.weightBits))
    #expect(relative.layers.allSatisfy { $0.sensitivity >= 0 })
  }

  /// The best of several readings of the measurements, which each can be asked for alone.
  @Test func withoutAProxyLayersAreMeasured() throws {
    let folder = try TemporaryFolder()
    func report(_ name: String, _ proxy: Proxy?, average: Double?) throws -> QuantizeReport {
      var options = QuantizeTests.options(folder, "\(name).onnx")
      options.averageBits = average
      options.proxy = proxy
      return try Quantize.run(options)
    }
    let standard = try report("standard", nil, average: 4).layers.map(\.weightBits)
    let readings = try ProxyLibrary.standard().map { proxy in
      let found = try report(proxy.name, proxy, average: 4)
      #expect(found.proxy == proxy.name)
      return found.layers.map(\.weightBits)
    }
    #expect(readings.contains(standard))
    #expect(try report("again", nil, average: 4).proxy == "measured-together")
    #expect(try report("free", nil, average: nil).proxy == nil)
  }

  @Test func whatManyPlansSayWeighsMoreThanOneTrial() {
    func isBetter(_ plan: (found: Double, predicted: Double), than other: (Double, Double)) -> Bool
    {
      RoundingStage.expected(found: plan.found, predicted: plan.predicted)
        < RoundingStage.expected(found: other.0, predicted: other.1)
    }
    #expect(isBetter((2, 1), than: (1, 1.5)))
    #expect(isBetter((1, 1.1), than: (2, 1)))
    #expect(RoundingStage.expected(found: 2, predicted: nil) == 2)
  }

  @Test func formulasThatGiveNoNumberWriteNothing() throws {
    let folder = try TemporaryFolder()
    var options = QuantizeTests.options(folder)
    options.averageBits = 4
    options.proxy = try ProxyFile.parse(
      "name: bad\nthought: t\nformula: exp(1000 * b)\nprovenance: p\n", path: "bad.tap")
    #expect(throws: ProxyError.self) { try Quantize.run(options) }
    #expect(folder.contents.isEmpty)
  }

  @Test func scoresJudgeWhatProxiesHaveNotSeenAndGoOnWhereTheyStopped() throws {
    let folder = try TemporaryFolder()
    let options = Self.scoreOptions(folder)
    let first = try ProxyScore.run(options)
    let network = try #require(first.networks.first)
    #expect(network.calibrationSamples == 16 && network.heldOutSamples == 48)
    #expect(network.plans.count == 24 && network.cachedPlans == 0)
    for plan in network.plans {
      #expect(plan.averageBits <= plan.budget && plan.averageBits >= 0.98 * plan.budget)
    }
    let rho = Dictionary(uniqueKeysWithValues: network.proxies.map { ($0.proxy, $0.spearman) })
    let measured = try #require(rho["measured"])
    #expect(measured > 0.8)
    #expect(measured > (try #require(rho["bparams"])))
    #expect(network.proxies.allSatisfy { $0.failure == nil && $0.budgets.count == 2 })

    for proxy in network.proxies {
      for budget in proxy.budgets { #expect((0.2...1).contains(try #require(budget.fidelity))) }
    }
    let fidelity = Dictionary(
      uniqueKeysWithValues: network.proxies.map { ($0.proxy, $0.fidelity) })
    #expect(try #require(fidelity["measured"]) > (try #require(fidelity["bparams"])))

    // Half of the random plans' outcomes are lost, one of them in the middle of a line.
    let name = try Self.contents(folder.path("cache")).first { $0.hasPrefix("plans-") }
    let file = folder.path("cache") + "/" + (try #require(name))
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
    let kept = lines.prefix(12).joined(separator: "\n") + "\n" + lines[12].prefix(20)
    try kept.write(toFile: file, atomically: false, encoding: .utf8)
    let again = try #require(try ProxyScore.run(options).networks.first)
    #expect(again.cachedPlans == 12)
    #expect(again.plans.map(\.divergence) == network.plans.map(\.divergence))
    #expect(again.proxies.map(\.spearman) == network.proxies.map(\.spearman))
    let last = try #require(try ProxyScore.run(options).networks.first)
    #expect(last.cachedPlans == 24)
  }

  private static func contents(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path)
  }

  /// A prediction is what `quantize` decides by, and what a folder keeps of it is not computed again.
  @Test func statisticsAreKept() throws {
    let folder = try TemporaryFolder()
    let proxy = try ProxyLibrary.proxy("relative-mse")
    var options = QuantizeTests.options(folder)
    options.effort = .fast
    options.cache = folder.path("cache")
    let first = try SensitivityPrediction.run(options, proxy: proxy)
    #expect(first.layers.allSatisfy { $0.damage.map(\.bits) == options.bits })
    let file = try #require(Self.contents(folder.path("cache")).first)
    let path = folder.path("cache/\(file)")
    let kept = try String(contentsOfFile: path, encoding: .utf8)
    #expect(try SensitivityPrediction.run(options, proxy: proxy).layers == first.layers)
    #expect(try Self.contents(folder.path("cache")) == [file])

    // What the file says is believed; what is no such file, or another network's, is not.
    let doubled = kept.replacing(/"sum\(sq\(W\)\)"/, with: "\"sum(sq(X2))\"")
    try doubled.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try SensitivityPrediction.run(options, proxy: proxy).layers == first.layers)
    try Data("{".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try SensitivityPrediction.run(options, proxy: proxy).layers == first.layers)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == kept)
    options.seed = 5
    _ = try SensitivityPrediction.run(options, proxy: proxy)
    #expect(try Self.contents(folder.path("cache")).count == 2)
    options.bits = [2, 4, 8]
    _ = try SensitivityPrediction.run(options, proxy: proxy)
    #expect(try Self.contents(folder.path("cache")).count == 3)
  }

  /// Whole plans are tried on several threads at once, and say the same on one.
  @Test func plansTeachTheSameOnAnyNumberOfThreads() throws {
    let folder = try TemporaryFolder()
    func damage(_ proxy: String, threads: Int) throws -> [[Double]] {
      var options = QuantizeTests.options(folder)
      options.threads = threads
      let report = try SensitivityPrediction.run(options, proxy: ProxyLibrary.proxy(proxy))
      return report.layers.map { $0.damage.map(\.predicted) }
    }
    let fitted = try damage("measured-together", threads: 1)
    // Sums over channels may be taken in another order.
    for (one, three) in zip(fitted.joined(), try damage("measured-together", threads: 3).joined()) {
      #expect(abs(one - three) <= 1e-12 * one)
    }
    // The blend times a factor of each layer.
    let factors = zip(fitted, try damage("measured-blend", threads: 1)).map { layer in
      zip(layer.0, layer.1).map { $0 / $1 }
    }
    for layer in factors {
      #expect(layer.allSatisfy { abs($0 - layer[0]) < 1e-6 * layer[0] && $0 >= 0.099 })
    }
    #expect(Set(factors.map { $0[0] }).count == factors.count)
  }

  @Test func scoresNeedSamplesThatAreLeft() throws {
    let folder = try TemporaryFolder()
    var options = Self.scoreOptions(folder)
    options.quantize.samples = 64
    #expect(throws: ProxyScoreError.self) { try ProxyScore.run(options) }
    options.quantize.samples = 16
    options.quantize.bits = [4]
    #expect(throws: ProxyScoreError.self) { try ProxyScore.run(options) }
    options.quantize.bits = [2, 4, 8]
    options.proxies = [try ProxyLibrary.proxy("mse")]
    #expect(throws: ProxyScoreError.duplicate(proxy: "mse")) { try ProxyScore.run(options) }
  }

  @Test func heldOutSamplesAreNotThoseOfTheCalibration() {
    let held = PlanMeasurement.heldOut(count: 50, calibrated: 16, wanted: 20)
    #expect(held.count == 20 && Set(held).count == 20)
    #expect(Set(held).isDisjoint(with: (0..<16).map { $0 * 50 / 16 }))
    #expect(PlanMeasurement.heldOut(count: 10, calibrated: 16, wanted: 5).isEmpty)
  }

  @Test func randomPlansAreOfOneSizeAndTheSameAnywhere() {
    let layers = [100, 400, 50, 900, 300].enumerated().map { index, weights in
      RandomPlans.Layer(name: "\(index)", weights: weights, widths: [2, 3, 4, 5, 6, 8])
    }
    var random = RandomPlans(layers: layers, seed: 3)
    let plans = random.plans(averageBits: 4.5, count: 30)
    #expect(plans.count == 30 && Set(plans).count == 30)
    for plan in plans {
      let bits = zip(layers, plan).reduce(0) { $0 + $1.0.weights * $1.1 }
      #expect((7718...7875).contains(bits))
    }
    var twin = RandomPlans(layers: layers, seed: 3)
    #expect(twin.plans(averageBits: 4.5, count: 30) == plans)
    var other = RandomPlans(layers: layers, seed: 4)
    #expect(other.plans(averageBits: 4.5, count: 30) != plans)
    var none = RandomPlans(layers: layers, seed: 3)
    #expect(none.plans(averageBits: 1, count: 5).isEmpty)
  }
}

@Suite struct SensitivityTests {
  @Test func damageFallsWithWidthAndRounding() throws {
    var options = QuantizeTests.options(try TemporaryFolder())
    options.bits = [2, 4, 8]
    let report = try SensitivityMeasurement.run(options)
    #expect(report.layers.count == 9)
    for layer in report.layers {
      #expect(layer.damage.map(\.bits) == [2, 4, 8] && !layer.op.isEmpty)
      let before = layer.damage.map(\.beforeRounding)
      #expect(before == before.sorted(by: >), "\(layer.name)")
      #expect(layer.damage.allSatisfy { $0.afterRounding >= 0 && $0.measured >= 0 })
    }
    // Feedback is worth its time where rounding hurts.
    let total = report.layers.map { $0.damage[0] }
    #expect(
      total.map(\.afterRounding).reduce(0, +) < total.map(\.beforeRounding).reduce(0, +))
    #expect(report.proxies.count > 10)
    #expect(report.proxies.allSatisfy { abs($0.spearman ?? 0) <= 1 })
    #expect(report.proxies.first?.spearman ?? 0 > 0.5)
  }
}
