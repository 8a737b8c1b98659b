import HardwareProfiles
public import Quantization

/// Why a network cannot be made to fit a device.
public enum DeviceError: Error, Equatable, Sendable {
  case activations(limit: Int, needed: Int, step: String)
  /// `activations` is nil where the device's own were asked for, `block` where each channel has a scale.
  case precision(
    profile: String, layer: String, op: String, weights: [Int], activations: [Int]?,
    block: Int? = nil, supported: [Precision])
  case sharedInput(layers: [String])
  case noKernel(profile: String, layer: String, precision: Precision)
  case noKernels(profile: String)
}

extension DeviceError: CustomStringConvertible, UnmetRequestError {
  public var description: String {
    switch self {
    case .activations(let limit, let needed, let step):
      "the ram limit of \(limit) bytes cannot be met: the activations need \(needed) bytes, "
        + "\(needed - limit) too many, most of them at '\(step)'; narrower weights do not help: "
        + "give the model smaller inputs or a part with more RAM"
    case .precision(
      let profile, let layer, let op, let weights, let activations, let block, let supported):
      supported.isEmpty
        ? "profile '\(profile)' has no precision for \(op) '\(layer)'"
          + (block.map { " with a scale for each block of \($0) weights" } ?? "")
        : "profile '\(profile)' runs \(op) '\(layer)' with "
          + supported.activationBits.map { bits in
            "weights of "
              + DeviceError.list(supported.filter { $0.activationBits == bits }.weightBits)
              + " bits and activations of \(bits)"
          }.joined(separator: ", or ") + ", but --bits allows \(DeviceError.list(weights))"
          + (activations.map { " and --activation-bits \(DeviceError.list($0))" } ?? "")
    case .sharedInput(let layers):
      "the device has no width of activations that all of "
        + layers.map { "'\($0)'" }.joined(separator: ", ")
        + " can take, which read one value; allow more widths with --bits"
    case .noKernel(let profile, let layer, let precision):
      "profile '\(profile)' has no kernel cost for '\(layer)' at \(precision.weightBits) bits with "
        + "activations of \(precision.activationBits), so that its latency is unknown; add a kernel "
        + "entry or leave --latency out"
    case .noKernels(let profile):
      "profile '\(profile)' has no kernel costs, so that no latency can be predicted; leave "
        + "--latency out"
    }
  }

  private static func list(_ bits: [Int]) -> String {
    bits.map(String.init).joined(separator: ", ")
  }
}
