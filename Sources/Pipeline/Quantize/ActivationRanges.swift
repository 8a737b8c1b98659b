import Calibration
import Lowering
import Quantization

/// Parameters of every quantized activation: one range for all that must agree.
enum ActivationRanges {
  static func parameters(
    sites: QuantizationSites, table: CalibrationTable, method: RangeMethod
  ) -> [String: AffineParameters] {
    let groups = Dictionary(grouping: sites.activations) { $0.sameAs ?? $0.value }
    var parameters: [String: AffineParameters] = [:]
    for site in sites.activations where site.sameAs == nil {
      let members = groups[site.value] ?? [site]
      let histogram = table.histogram(of: members.map(\.value))
      let range = method.range(of: histogram)
      let chosen = site.constrained(
        AffineParameters.covering(low: range.lowerBound, high: range.upperBound))
      for member in members { parameters[member.value] = chosen }
    }
    return parameters
  }
}
