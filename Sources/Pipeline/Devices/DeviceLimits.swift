public import HardwareProfiles

/// What a network must keep: limits that the user names, else what the profile's memories hold.
public struct DeviceLimits: Sendable {
  public var profile: HardwareProfile?
  /// Bytes of constants.
  public var flash: Int?
  /// Bytes of activations, and of weights where these lie in RAM.
  public var ram: Int?
  /// Seconds of one inference.
  public var latency: Double?
  /// Threads for which latency is predicted.
  public var threads = 1

  public init(profile: HardwareProfile? = nil) {
    self.profile = profile
    flash = profile?.memory.flash
    ram = profile?.memory.ram
  }

  /// Whether weights count as RAM.
  var weightsAreInRAM: Bool { profile?.memory.weights == .ram }
}
