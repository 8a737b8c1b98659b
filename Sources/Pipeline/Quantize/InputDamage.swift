import Calibration
import Foundation
import Lowering
import Parallelism
import Quantization
import WeightRounding

/// What inputs of fewer than 8 bits add to the damage of layers, in the unit of a reading of the
/// weights' damage.
struct InputDamage {
  let layers: [WeightLayer]
  let ranges: ActivationRanges
  /// Relative errors of the layers' outputs by layer name and bits, beyond that at 8 bits. A value
  /// that an Add reads as well, the shortcut around a residual branch, takes its error there too.
  private let errors: [String: [Int: Double]]

  init(
    layers: [WeightLayer], sites: QuantizationSites, ranges: ActivationRanges,
    inputs: [String: LayerInputSample], pool: WorkerPool
  ) {
    self.layers = layers
    self.ranges = ranges
    var errors: [String: [Int: Double]] = [:]
    var shortcuts = ranges.shortcuts(sites)
    for layer in layers {
      let known = ranges.parameters[ranges.source(of: layer.site.input)] ?? [:]
      guard known.count > 1, let sample = inputs[layer.name] else { continue }
      let widths = known.keys.sorted()
      let quantizers = widths.compactMap { known[$0] }
      var found = OutputError.relative(
        ofInputs: quantizers, rows: layer.rows, inputs: sample, pool: pool)
      if shortcuts.remove(ranges.source(of: layer.site.input)) != nil {
        found = zip(found, OutputError.relative(ofValues: quantizers, inputs: sample)).map(+)
      }
      let least = found.last ?? 0
      errors[layer.name] = Dictionary(
        uniqueKeysWithValues: zip(widths, found.map { max(0, $0 - least) }))
    }
    self.errors = errors
  }

  /// Whether any value has a choice.
  var isEmpty: Bool { errors.isEmpty }

  /// Adds the errors of the layers' own outputs to a reading that `ownErrors`, the errors that
  /// rounded weights make there, translate: what the reading says of such an error, on the geometric
  /// mean over the widths, it says of one that comes from the input.
  func added(
    to table: SensitivityTable, ownErrors: SensitivityTable
  ) -> SensitivityTable {
    let own = Dictionary(
      ownErrors.layers.map { ($0.name, $0.damage) }, uniquingKeysWith: { first, _ in first })
    var result = table
    for index in result.layers.indices {
      let layer = result.layers[index]
      let ratios = layer.damage.compactMap { bits, damage -> Double? in
        guard let error = own[layer.name]?[bits], error > 0, damage > 0 else { return nil }
        return log(damage / error)
      }
      guard !ratios.isEmpty, let errors = errors[layer.name] else { continue }
      let gain = exp(ratios.reduce(0, +) / Double(ratios.count))
      result.layers[index].inputDamage = errors.mapValues { $0 * gain }
    }
    return result
  }

  /// Adds distances at the network's outputs, by value and bits: they reach it through everything
  /// that reads the value, and count for the first layer that does.
  func added(
    to table: SensitivityTable, distances: [String: [Int: Double]]
  ) -> SensitivityTable {
    var result = table
    var seen: Set<String> = []
    for (index, layer) in layers.enumerated() {
      let source = ranges.source(of: layer.site.input)
      guard let damage = distances[source], seen.insert(source).inserted else { continue }
      result.layers[index].inputDamage = damage
    }
    return result
  }

  /// What there is to measure: the narrow forms of the values that have a choice.
  var quantizers: [String: [Int: AffineParameters]] {
    ranges.parameters.mapValues { $0.filter { $0.value.isNarrow } }.filter { !$0.value.isEmpty }
  }
}

extension ActivationRanges {
  /// Values that are read by others than layers and what only moves them.
  fileprivate func shortcuts(_ sites: QuantizationSites) -> Set<String> {
    let layers = Set(sites.layers.map(\.node))
    let moved = Set(sites.activations.filter { $0.sameAs != nil }.map(\.value))
    return Set(
      sites.activations.filter { site in
        site.readers.contains { !layers.contains($0.node) && !moved.contains($0.node) }
      }.map { source(of: $0.value) })
  }
}
