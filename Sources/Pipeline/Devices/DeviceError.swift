import HardwareProfiles

/// Why a network cannot be made to fit a device.
public enum DeviceError: Error, Equatable, Sendable {
  case activations(limit: Int, needed: Int, step: String)
  case precision(profile: String, layer: String, op: String, wanted: [Int], supported: [Int])
  case noKernel(profile: String, layer: String, bits: Int)
  case noKernels(profile: String)
}

extension DeviceError: CustomStringConvertible, UnmetRequestError {
  public var description: String {
    switch self {
    case .activations(let limit, let needed, let step):
      "the ram limit of \(limit) bytes cannot be met: the activations need \(needed) bytes, "
        + "\(needed - limit) too many, most of them at '\(step)'; narrower weights do not help: "
        + "give the model smaller inputs or a part with more RAM"
    case .precision(let profile, let layer, let op, let wanted, let supported):
      supported.isEmpty
        ? "profile '\(profile)' has no precision for \(op) '\(layer)'"
        : "profile '\(profile)' runs \(op) '\(layer)' with weights of "
          + "\(DeviceError.list(supported)) bits, but --bits allows \(DeviceError.list(wanted))"
    case .noKernel(let profile, let layer, let bits):
      "profile '\(profile)' has no kernel cost for '\(layer)' at \(bits) bits, so that its latency "
        + "is unknown; add a kernel entry or leave --latency out"
    case .noKernels(let profile):
      "profile '\(profile)' has no kernel costs, so that no latency can be predicted; leave "
        + "--latency out"
    }
  }

  private static func list(_ bits: [Int]) -> String {
    bits.map(String.init).joined(separator: ", ")
  }
}
