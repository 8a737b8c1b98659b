import BitAllocation
import Calibration
import Lowering
import Parallelism
import Quantization

/// Parameters of every quantized activation at every width that it may take: one range for all that
/// must agree.
struct ActivationRanges {
  /// By the value whose parameters a group of values has, and by bits.
  let parameters: [String: [Int: AffineParameters]]
  /// That value, by the name of each quantized value.
  private let sources: [String: String]

  /// Values that a layer reads may take the widths of `allowed`, by layer name; the others, and all
  /// where weights alone are chosen, have 8 bits. `sums`: those of two activations of
  /// which only what limits let through is to count.
  init(
    sites: QuantizationSites, found: CalibrationFindings, method: RangeMethod,
    layers: [WeightLayer], allowed: [String: [Precision]], sums: [LimitedSum], pool: WorkerPool
  ) {
    sources = sites.parameterSources
    var readers: [String: [WeightLayer]] = [:]
    for layer in layers {
      guard let source = sources[layer.site.input] else { continue }
      readers[source, default: []].append(layer)
    }
    let shortcuts = method == .output ? sites.valuesReadBesideLayers : []
    let groups = sites.parameterGroups
    var parameters: [String: [Int: AffineParameters]] = [:]
    for site in sites.activations where site.sameAs == nil {
      let group = (groups[site.value] ?? [site]).map(\.value)
      let histogram = found.table.histogram(of: group)
      let layers = readers[site.value] ?? []
      let search =
        method == .output
        ? OutputErrorRange(
          layers: layers.compactMap { layer in found.inputs[layer.name].map { (layer.rows, $0) } },
          countsItself: shortcuts.contains(site.value), pool: pool) : nil
      let sum =
        group.count == 1 && site.readers.count == 1
        ? Self.limitedSum(of: site.value, among: sums, elements: found.elements) : nil
      let widths = layers.flatMap { allowed[$0.name] ?? [] }.map(\.activationBits)
      let averaged = site.meanOf.flatMap { parameters[$0]?.values.map(\.scale).max() }
      let finest = averaged.map { $0 / 255 } ?? 0
      for bits in Set(widths).union([8]) {
        func quantizer(_ range: ClosedRange<Float>) -> AffineParameters {
          site.parameters(
            low: range.lowerBound, high: range.upperBound, bits: bits, finest: finest)
        }
        var range = method.range(of: histogram, levels: 1 << bits)
        let widest = histogram.minimum...histogram.maximum
        if let search {
          range = search.range(around: range, within: widest, quantizer: quantizer)
        } else if let sum {
          range = sum.range(around: range, within: widest, quantizer: quantizer)
        }
        parameters[site.value, default: [:]][bits] = quantizer(range)
      }
    }
    self.parameters = parameters
  }

  /// Nil where the value is no operand of a sum that is cut off.
  private static func limitedSum(
    of value: String, among sums: [LimitedSum], elements: [String: [Float]]
  ) -> LimitedSumRange? {
    guard let sum = sums.first(where: { $0.operands.contains(value) }),
      let other = sum.operands.first(where: { $0 != value })
    else { return nil }
    return LimitedSumRange(
      operand: elements[value] ?? [], other: elements[other] ?? [], lower: sum.lowerLimit,
      upper: sum.upperLimit)
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
