import HardwareProfiles
import Lowering
import Quantization

/// Precisions that the layers of a network may take on a device.
enum DevicePrecisions {
  /// By layer name: the pairs of `weights` and `activations` (nil: what the device has, without a
  /// device 8) that the profile has for the layer's operator and for those that read the same value.
  /// `block`: products have a scale for so many weights.
  static func precisions(
    _ layers: [WeightLayer], sites: QuantizationSites, weights: [Int], activations: [Int]?,
    block: Int? = nil, limits: DeviceLimits
  ) throws -> [String: [Precision]] {
    var result: [String: [Precision]] = [:]
    for layer in layers {
      let wanted = (activations ?? [8]).flatMap { bits in
        weights.map { Precision(weightBits: $0, activationBits: bits) }
      }
      .filter(layer.takes)
      guard !wanted.isEmpty else {
        throw QuantizeError.blocksTooWide(layer: layer.name, widths: weights)
      }
      guard let profile = limits.profile else {
        result[layer.name] = wanted
        continue
      }
      let supported = pairs(
        profile, op: layer.site.op,
        activations: Set(ActivationRange.supportedBits).union(activations ?? []).sorted(),
        block: layer.site.op == "Conv" ? nil : block)
      let common = supported.filter {
        layer.takes($0) && weights.contains($0.weightBits)
          && activations?.contains($0.activationBits) ?? true
      }
      guard !common.isEmpty else {
        throw DeviceError.precision(
          profile: profile.name, layer: layer.name, op: layer.site.op, weights: weights,
          activations: activations, block: block, supported: supported)
      }
      result[layer.name] = common
    }
    try restrictSharedInputs(&result, layers, sites)
    return result
  }

  /// Pairs that an operator can have, of weights of 2 to 8 bits.
  private static func pairs(
    _ profile: HardwareProfile, op: String, activations: [Int], block: Int?
  ) -> [Precision] {
    activations.flatMap { activations in
      (profile.weightBits(of: op, activationBits: activations, block: block) ?? [])
        .filter(WeightRange.supportedBits.contains)
        .map { Precision(weightBits: $0, activationBits: activations) }
    }
  }

  /// Leaves the activation widths that all readers of a value have.
  private static func restrictSharedInputs(
    _ precisions: inout [String: [Precision]], _ layers: [WeightLayer], _ sites: QuantizationSites
  ) throws {
    for readers in readers(layers, sites) {
      let sets = readers.map { Set((precisions[$0] ?? []).map(\.activationBits)) }
      let common = sets.dropFirst().reduce(sets[0]) { $0.intersection($1) }
      guard !common.isEmpty else { throw DeviceError.sharedInput(layers: readers) }
      for name in readers { precisions[name]?.removeAll { !common.contains($0.activationBits) } }
    }
  }

  /// Layers that read the same quantized value, or values of the same parameters.
  static func readers(_ layers: [WeightLayer], _ sites: QuantizationSites) -> [[String]] {
    let sources = sites.parameterSources
    return Dictionary(grouping: layers) { sources[$0.site.input] ?? $0.site.input }.values
      .map { $0.map(\.name) }.filter { $0.count > 1 }
  }
}

extension [Precision] {
  var weightBits: [Int] { Set(map(\.weightBits)).sorted() }
  var activationBits: [Int] { Set(map(\.activationBits)).sorted() }
}

extension WeightLayer {
  /// Whether a runtime computes the layer so: blocks beside quantized inputs are narrow.
  fileprivate func takes(_ precision: Precision) -> Bool {
    rows.blocks == 1 || Lowering.takesBlocks(precision)
  }
}
