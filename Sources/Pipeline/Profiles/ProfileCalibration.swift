import Foundation
public import HardwareProfiles
import IntegerRuntime
import Tensors

/// `tapq profiles calibrate`: measures the kernels of this machine and fits a profile to them.
public enum ProfileCalibration {
  public struct Options: Sendable {
    /// The file to write; never one that exists.
    public var output: String
    /// Default: the name of the file.
    public var name: String?
    public var threads: [Int]
    /// About how long to measure.
    public var seconds: Double
    /// Where to write the measured steps; nil for nowhere.
    public var samples: String?

    public init(
      output: String, name: String? = nil, threads: [Int], seconds: Double, samples: String? = nil
    ) {
      self.output = output
      self.name = name
      self.threads = threads
      self.seconds = seconds
      self.samples = samples
    }
  }

  public struct Report: Sendable, Codable {
    public var profile: HardwareProfile
    public var errors: [FitError]
    /// The profile that shipped for this instruction set, and how it does on the same steps.
    public var old: String?
    public var oldErrors: [FitError]

    private enum CodingKeys: String, CodingKey {
      case profile, errors, old
      case oldErrors = "old_errors"
    }
  }

  public static func run(
    _ options: Options, library: ProfileLibrary = .standard,
    progress: (_ done: Int, _ count: Int) -> Void
  ) throws -> Report {
    try OutputFile.checkWritable(options.output, overwrite: false)
    if let samples = options.samples { try OutputFile.checkWritable(samples, overwrite: false) }
    let (samples, overhead) = try measure(options, progress: progress)
    let name =
      options.name
      ?? URL(fileURLWithPath: options.output).deletingPathExtension().lastPathComponent
    let profile = fit(samples, overhead: overhead, name: name)
    if let path = options.samples {
      try OutputFile.write([UInt8](JSONEncoder().encode(samples)), to: path, overwrite: false)
    }
    try OutputFile.write(
      Array(ProfileFile.text(of: profile).utf8), to: options.output, overwrite: false)
    let old = try? library.profile("x86-64-\(IntegerEngine.instructionSet)")
    return Report(
      profile: profile, errors: FitError.of(profile, samples), old: old?.name,
      oldErrors: old.map { FitError.of($0, samples) } ?? [])
  }

  /// Times all probes several times over, so that a stretch in which the machine does other work, or
  /// its cores are far from each other, meets each of them once.
  private static func measure(
    _ options: Options, progress: (_ done: Int, _ count: Int) -> Void
  ) throws -> (samples: [KernelSample], overhead: Double) {
    let probes = options.threads.flatMap { threads in
      ProbePlan.probes.map { (threads: threads, probe: $0) }
    }
    let count = probes.count * passes
    var results = Array(repeating: [ProbeTimer.Result](), count: probes.count)
    for pass in 0..<passes {
      for (place, (threads, probe)) in probes.enumerated() {
        results[place].append(
          try ProbeTimer.time(
            probe, threads: threads, budget: options.seconds / Double(max(count, 1))))
        progress(pass * probes.count + place + 1, count)
      }
    }
    let typical = results.compactMap(ProbeTimer.Result.typical)
    let overheads = typical.map(\.overhead).sorted()
    return (typical.flatMap(\.samples), overheads.isEmpty ? 0 : overheads[overheads.count / 2])
  }

  private static let passes = 5

  private static func fit(
    _ samples: [KernelSample], overhead: Double, name: String
  ) -> HardwareProfile {
    let tile = IntegerEngine.productTile
    let fit = KernelFit(
      samples,
      machine: .init(
        tile: .init(rows: tile.rows, columns: tile.columns, lanes: tile.lanes, run: 4),
        channels: IntegerEngine.windowChannels, cache: HostMachine.cacheBytes))
    var profile = HardwareProfile(
      name: name, title: HostMachine.processor, software: "tapq", cores: HostMachine.cores,
      clock: HostMachine.clock, memory: .init(cache: HostMachine.cacheBytes),
      precisions: [
        .init(operators: ["Conv", "Gemm", "MatMul"], weights: Array(2...8), activations: [8]),
        .init(
          operators: ["Gemm", "MatMul"], weights: Array(2...8), activations: [32],
          granularity: .block, blockSizes: [16, 32, 64, 128, 256]),
      ], kernels: fit.kernels, inferenceSeconds: overhead,
      provenance: .init(
        kind: .measured, tool: "tapq profiles calibrate",
        date: Date.now.formatted(.iso8601.year().month().day()), host: HostMachine.processor))
    profile.exchangeSeconds = KernelFit.rounded(ExchangeFit.seconds(samples, profile: profile))
    profile.provenance.fitError = FitError.median(of: profile, samples).map {
      ($0 * 1e4).rounded() / 1e4
    }
    return profile
  }
}
