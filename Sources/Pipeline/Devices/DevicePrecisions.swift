/// Widths that the layers of a network may take on a device.
enum DevicePrecisions {
  /// By layer name: those of `wanted` that the profile has for the layer's operator.
  static func bits(
    _ layers: [WeightLayer], wanted: [Int], limits: DeviceLimits
  ) throws -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for layer in layers {
      guard let profile = limits.profile else {
        result[layer.name] = wanted
        continue
      }
      let supported = (profile.weightBits(of: layer.site.op) ?? []).filter { (2...8).contains($0) }
      let common = wanted.filter(supported.contains)
      guard !common.isEmpty else {
        throw DeviceError.precision(
          profile: profile.name, layer: layer.name, op: layer.site.op, wanted: wanted,
          supported: supported)
      }
      result[layer.name] = common
    }
    return result
  }
}
