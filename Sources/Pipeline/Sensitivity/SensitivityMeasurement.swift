import Foundation
import ProxySearch
import Quantization

/// `tapq sensitivity`: what every layer costs at every width, one at a time, and how proxies rank
/// the layers against that.
public enum SensitivityMeasurement {
  public struct Damage: Sendable, Codable, Equatable {
    public var bits: Int
    /// Relative squared error of the layer's output, weights rounded to the nearest.
    public var beforeRounding: Double
    /// The same, weights rounded with error feedback.
    public var afterRounding: Double
    /// Distance of the network's outputs from those of the float network, on samples that the
    /// rounding has not seen.
    public var measured: Double

    private enum CodingKeys: String, CodingKey {
      case bits, measured
      case beforeRounding = "before_rounding"
      case afterRounding = "after_rounding"
    }
  }

  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    public var op: String
    public var damage: [Damage]
  }

  /// Mean over the widths of Spearman's correlation with the measured damage of the layers.
  public struct Ranking: Sendable, Codable, Equatable {
    public var proxy: String
    /// Nil where the proxy tells no layers apart.
    public var spearman: Double?
  }

  public struct Report: Sendable, Codable, Equatable {
    public var model: String
    /// Each weight once, in graph order.
    public var layers: [Layer]
    /// Best first.
    public var proxies: [Ranking]
  }

  public static func run(
    _ options: QuantizeOptions,
    progress: @escaping (_ what: String, _ done: Int, _ count: Int) -> Void = { _, _, _ in }
  ) throws -> Report {
    let study = try QuantizationStudy.ofEveryWidth(options, progress: progress)
    return try ModelError.naming(options.model) {
      let evaluation = ProxyEvaluation(study.facts)
      func table(_ name: String) throws -> SensitivityTable {
        try evaluation.sensitivities(ProxyLibrary.proxy(name).formula)
      }
      let before = try table("relative-output-mse")
      let after = try table("relative-output-mse-gptq")
      let measured = try table("measured")
      let operators = Dictionary(
        study.layers.map { ($0.name, $0.site.op) }, uniquingKeysWith: { first, _ in first })
      let layers = measured.layers.indices.map { index -> Layer in
        let layer = measured.layers[index]
        return Layer(
          name: layer.name, op: operators[layer.name] ?? "",
          damage: layer.damage.sorted { $0.key < $1.key }.map { bits, value in
            Damage(
              bits: bits, beforeRounding: before.layers[index].damage[bits] ?? .nan,
              afterRounding: after.layers[index].damage[bits] ?? .nan, measured: value)
          })
      }
      let rankings = try ProxyLibrary.all().filter { $0.name != "measured" }.map { proxy in
        Ranking(
          proxy: proxy.name,
          spearman: try? correlation(evaluation.sensitivities(proxy.formula), measured))
      }
      return Report(
        model: options.model, layers: layers,
        proxies: rankings.sorted { ($0.spearman ?? -2, $1.proxy) > ($1.spearman ?? -2, $0.proxy) })
    }
  }

  /// Mean over the widths of Spearman's correlation among the layers, which both have in one order.
  static func correlation(
    _ predicted: SensitivityTable, _ measured: SensitivityTable
  ) -> Double? {
    let widths = Set(measured.layers.flatMap(\.damage.keys)).sorted()
    let correlations = widths.compactMap { bits -> Double? in
      let pairs = zip(predicted.layers, measured.layers).compactMap { own, truth in
        own.damage[bits].flatMap { damage in truth.damage[bits].map { (damage, $0) } }
      }
      return RankCorrelation.spearman(pairs.map(\.0), pairs.map(\.1))
    }
    return correlations.isEmpty
      ? nil : correlations.reduce(0, +) / Double(correlations.count)
  }
}
