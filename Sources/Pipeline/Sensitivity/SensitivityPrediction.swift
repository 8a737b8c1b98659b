import Calibration
import FloatRuntime
import ONNXFormat
import ProxySearch

/// `tapq sensitivity --proxy`: what a proxy predicts for every layer and width, and what that takes.
public enum SensitivityPrediction {
  public struct Damage: Sendable, Codable, Equatable {
    public var bits: Int
    public var predicted: Double
  }

  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    public var op: String
    public var damage: [Damage]
  }

  public struct Seconds: Sendable, Codable, Equatable {
    /// The float network on the calibration samples, without any statistics.
    public var forward: Double
    /// The same with ranges and samples of the layers' inputs.
    public var calibration: Double
    /// Scales and integers of every width, and their errors at the layers' outputs.
    public var weights: Double
    /// What the formula reads besides; next to nothing where a cache holds it.
    public var statistics: Double
    /// The formula, for all layers and widths, with everything that it reads known.
    public var scoring: Double
    /// The choice of bits at half of the widest on average.
    public var allocation: Double
  }

  public struct Report: Sendable, Codable, Equatable {
    public var model: String
    public var proxy: String
    /// Each weight once, in graph order.
    public var layers: [Layer]
    public var seconds: Seconds
  }

  /// The options name a proxy.
  public static func run(
    _ options: QuantizeOptions, proxy: Proxy,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws -> Report {
    var options = options
    options.proxy = proxy
    let study = try QuantizationStudy.ofEveryWidth(options, progress: progress)
    return try ModelError.naming(options.model) {
      let (table, scoring) = try StudySeconds.of {
        try ProxyEvaluation(study.facts).sensitivities(proxy.formula)
      }
      let widest = study.choice.precisions.values.joined().map(\.weightBits).max() ?? 8
      let limit = study.choice.averageLimit(Double(widest) / 2)
      let (_, allocation) = StudySeconds.of {
        try? study.choice.allocate(study.sensitivities, limits: [limit])
      }
      let operators = Dictionary(
        study.layers.map { ($0.name, $0.site.op) }, uniquingKeysWith: { first, _ in first })
      let layers = table.layers.map { layer in
        Layer(
          name: layer.name, op: operators[layer.name] ?? "",
          damage: layer.damage.sorted { $0.key < $1.key }.map { Damage(bits: $0, predicted: $1) })
      }
      return Report(
        model: options.model, proxy: proxy.name, layers: layers,
        seconds: Seconds(
          forward: try forward(study, options), calibration: study.seconds.calibration,
          weights: study.seconds.weights, statistics: max(study.seconds.proxies - scoring, 0),
          scoring: scoring, allocation: allocation))
    }
  }

  /// Of the second of two passes: the first one touches memory for the first time.
  private static func forward(_ study: QuantizationStudy, _ options: QuantizeOptions) throws
    -> Double
  {
    let source = try SampleSource(
      options.calibration, model: study.model, preprocessing: options.preprocessing)
    let samples = try CalibrationSamples.originals(source, options: options)
    let engine = try FloatEngine(model: study.model, pool: study.pool)
    func pass() throws {
      for sample in samples { _ = try engine.run(sample.mapValues { .tensor($0) }) }
    }
    try pass()
    return try StudySeconds.of(pass).1
  }
}
