import ProxySearch
import Quantization
import WeightRounding

/// How the proxy that decided compares with measuring: a few layers are rounded one at a time, and the
/// network's outputs looked at.
public struct ProxyAudit: Sendable, Codable, Equatable {
  public var layers: [String]
  public var bits: [Int]
  /// Mean over the widths of Spearman's correlation among the layers; nil where nothing varies.
  public var spearman: Double?

  private static let mostLayers = 6

  /// Nil where what decided is that measurement itself, or rounding does not run the network.
  static func make(_ study: QuantizationStudy) throws -> ProxyAudit? {
    guard let proxy = study.options.proxy, study.proxy == proxy.name,
      let rounding = study.rounding, !proxy.formula.isMeasured,
      let predicted = study.damages.first
    else { return nil }
    let known = Set(study.facts.layers.map(\.name))
    let all = study.roundingLayers.filter { known.contains($0.name) }
    let count = min(all.count, mostLayers)
    guard count > 2 else { return nil }
    let layers = (0..<count).map { all[$0 * (all.count - 1) / (count - 1)] }
    let bits = Array(study.precisions.weightBits.prefix(2))
    let probe = try SensitivityProbe(
      model: rounding.model, samples: rounding.samples, settings: rounding.settings,
      pool: rounding.pool)
    let measured = try probe.measure(layers, bits: bits) {
      rounding.progress("auditing the proxy", $0, $1)
    }
    let tables = Dictionary(
      predicted.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let truth = SensitivityTable(
      layers: measured.map { .init(name: $0.name, damage: $0.distances) })
    let own = SensitivityTable(
      layers: truth.layers.map { tables[$0.name] ?? .init(name: $0.name, damage: [:]) })
    return ProxyAudit(
      layers: truth.layers.map(\.name), bits: bits,
      spearman: SensitivityMeasurement.correlation(own, truth))
  }
}
