import BitAllocation
import Calibration
import Lowering
import Quantization

/// Parameters of every quantized activation at every width that it may take: one range for all that
/// must agree.
struct ActivationRanges {
  /// By the value whose parameters a group of values has, and by bits.
  let parameters: [String: [Int: AffineParameters]]
  /// That value, by the name of each quantized value.
  private let sources: [String: String]

  /// Values that a layer reads may take the widths of `layers`, by layer name; the others, and all
  /// where weights alone are chosen, have 8 bits.
  init(
    sites: QuantizationSites, table: CalibrationTable, method: RangeMethod,
    layers: [String: [Precision]]
  ) {
    sources = sites.parameterSources
    var widths: [String: Set<Int>] = [:]
    for layer in sites.layers {
      guard let source = sources[layer.input] else { continue }
      widths[source, default: []].formUnion((layers[layer.name] ?? []).map(\.activationBits))
    }
    let groups = sites.parameterGroups
    var parameters: [String: [Int: AffineParameters]] = [:]
    for site in sites.activations where site.sameAs == nil {
      let histogram = table.histogram(of: (groups[site.value] ?? [site]).map(\.value))
      for bits in widths[site.value, default: []].union([8]) {
        let range = method.range(of: histogram, levels: 1 << bits)
        parameters[site.value, default: [:]][bits] = site.constrained(
          AffineParameters.covering(low: range.lowerBound, high: range.upperBound, bits: bits))
      }
    }
    self.parameters = parameters
  }

  /// The value whose parameters a quantized value has.
  func source(of value: String) -> String { sources[value] ?? value }

  /// Of each quantized value, with the widths that layers were given for their inputs.
  func chosen(
    _ precisions: [String: Precision], sites: [QuantizationSites.Layer]
  ) -> [String: AffineParameters] {
    var bits: [String: Int] = [:]
    for layer in sites {
      bits[source(of: layer.input)] = precisions[layer.name]?.activationBits
    }
    var result: [String: AffineParameters] = [:]
    for (value, source) in sources { result[value] = parameters[source]?[bits[source] ?? 8] }
    return result
  }
}
