import ArgumentParser
import Pipeline

/// What a network must fit.
struct DeviceFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The device: a name of `tapq profiles list` or a .yaml file. Its memories are limits, its "
        + "precisions the widths that layers may take.", valueName: "P"))
  var profile: String?

  @Option(
    help: ArgumentHelp(
      "Limit for weights, scales and biases, for example 96KiB or 1.5MB.", valueName: "SIZE"))
  var flash: String?

  @Option(
    help: ArgumentHelp(
      "Limit for activations, and for weights that the profile keeps in RAM.", valueName: "SIZE"))
  var ram: String?

  @Option(
    help: ArgumentHelp(
      "Limit for the predicted time of one inference, for example 4ms; needs --profile.",
      valueName: "TIME"))
  var latency: String?

  @Option(help: "Threads for which the time on the device is predicted.")
  var deviceThreads = 1

  /// Throws where a flag is not well formed.
  func check() throws {
    _ = try sizes()
    guard (1...1024).contains(deviceThreads) else {
      throw ValidationError("--device-threads must be between 1 and 1024")
    }
    if latency != nil, profile == nil {
      throw ValidationError("--latency needs --profile: whose time it is")
    }
  }

  func limits() throws -> DeviceLimits {
    var limits = DeviceLimits(profile: try profile.map { try ProfileLookup.run($0) })
    let (flash, ram, latency) = try sizes()
    limits.flash = flash ?? limits.flash
    limits.ram = ram ?? limits.ram
    limits.latency = latency
    limits.threads = deviceThreads
    return limits
  }

  private func sizes() throws -> (flash: Int?, ram: Int?, latency: Double?) {
    let bytes = try [("--flash", flash), ("--ram", ram)].map { flag, text -> Int? in
      guard let text else { return nil }
      do {
        return try ByteSize.read(text)
      } catch {
        throw ValidationError("\(flag) '\(text)': \(error)")
      }
    }
    var seconds: Double?
    if let latency {
      do {
        seconds = try TimeSpan.read(latency)
      } catch {
        throw ValidationError("--latency '\(latency)': \(error)")
      }
    }
    return (bytes[0], bytes[1], seconds)
  }
}
