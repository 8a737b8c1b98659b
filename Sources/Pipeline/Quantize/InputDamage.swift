import Calibration
import Foundation
import Lowering
import Parallelism
import Quantization

/// What inputs of fewer than 8 bits add to the damage of layers, in the unit of a reading of the
/// weights' damage.
struct InputDamage {
  let layers: [WeightLayer]
  let sites: QuantizationSites
  let ranges: ActivationRanges
  let inputs: [String: LayerInputSample]
  let pool: WorkerPool

  /// What there is to measure: the narrow forms of the values that have a choice.
  var quantizers: [String: [Int: AffineParameters]] {
    ranges.parameters.mapValues { $0.filter { $0.value.isNarrow } }.filter { !$0.value.isEmpty }
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

  /// Adds the errors that narrow inputs make at the layers' own outputs. `ownErrors`, those that
  /// rounded weights make there, translate them: what the reading says of such an error, on the
  /// geometric mean over the widths, it says of one that comes from the input.
  func added(
    to table: SensitivityTable, ownErrors: SensitivityTable
  ) -> SensitivityTable {
    var result = table
    var gains: [String: Double] = [:]
    var shortcuts = sites.valuesReadBesideLayers
    for (index, layer) in layers.enumerated() {
      let ratios = table.layers[index].damage.compactMap { bits, damage -> Double? in
        guard let error = ownErrors.layers[index].damage[bits], error > 0, damage > 0 else {
          return nil
        }
        return log(damage / error)
      }
      // Readings know each weight once: further layers that have it go by the first.
      let weight = layer.site.weight
      if !ratios.isEmpty, gains[weight] == nil {
        gains[weight] = exp(ratios.reduce(0, +) / Double(ratios.count))
      }
      let isShortcut = shortcuts.remove(ranges.source(of: layer.site.input)) != nil
      let gain = gains[weight] ?? 1
      result.layers[index].inputDamage = outputErrors(of: layer, isShortcut: isShortcut)
        .mapValues { $0 * gain }
    }
    return result
  }

  /// Relative errors of the layer's output by activation bits, beyond that at the widest. A value
  /// that an Add reads as well, the shortcut around a residual branch, takes its error there too.
  private func outputErrors(of layer: WeightLayer, isShortcut: Bool) -> [Int: Double] {
    let known = ranges.parameters[ranges.source(of: layer.site.input)] ?? [:]
    guard known.count > 1, let sample = inputs[layer.name] else { return [:] }
    let widths = known.keys.sorted()
    let quantizers = widths.compactMap { known[$0] }
    var errors = OutputError.relative(
      ofInputs: quantizers, rows: layer.rows, inputs: sample, pool: pool)
    if isShortcut {
      errors = zip(errors, OutputError.relative(ofValues: quantizers, inputs: sample)).map(+)
    }
    let least = errors.last ?? 0
    return Dictionary(uniqueKeysWithValues: zip(widths, errors.map { max(0, $0 - least) }))
  }
}
