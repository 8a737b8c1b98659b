import FloatRuntime
import Foundation
import GraphIR
public import HardwareProfiles
import IntegerRuntime
import ONNXFormat
import Tensors

/// `tapq benchmark`: the time of one inference.
public enum Benchmark {
  public struct Options: Sendable {
    public var model: String
    /// Nil for the engine that fits the model.
    public var engine: EngineKind?
    public var threads: [Int]
    public var runs: Int
    /// Sizes of free axes by input.
    public var shapes: [String: [Int]]
    /// Predicts the times of the integer engine beside the measured ones.
    public var profile: HardwareProfile?

    public init(
      model: String, engine: EngineKind? = nil, threads: [Int], runs: Int,
      shapes: [String: [Int]] = [:], profile: HardwareProfile? = nil
    ) {
      self.model = model
      self.engine = engine
      self.threads = threads
      self.runs = runs
      self.shapes = shapes
      self.profile = profile
    }
  }

  static let warmUpRuns = 3
  static let profiledRuns = 5

  /// One report for each number of threads.
  public static func run(_ options: Options) throws -> [BenchmarkReport] {
    let model = try ONNXFile.load(path: options.model)
    return try ModelError.naming(options.model) {
      let inputs = try BenchmarkInputs.make(for: model, shapes: options.shapes)
      let operations = try multiplications(of: model, inputs: inputs)
      let kind = options.engine ?? EngineKind(for: model)
      return try options.threads.map { threads in
        switch kind {
        case .float:
          let engine = try FloatEngine(model: model, threads: threads)
          let feed = inputs.mapValues { RuntimeValue.tensor($0) }
          var report = try measure(runs: options.runs) {
            _ = try engine.run(feed)
          } profile: {
            try engine.profile(feed).timings
          }
          report.engine = "float"
          report.isa = FloatEngine.instructionSet
          report.weightBytes = model.graph.initializers.values.reduce(0) {
            $0 + $1.storage.byteCount
          }
          return finish(report, threads: threads, multiplications: operations)
        case .integer:
          let engine = try IntegerEngine(model: model, threads: threads)
          var report = try measure(runs: options.runs) {
            _ = try engine.run(inputs)
          } profile: {
            try engine.profile(inputs).timings
          }
          let profile = try engine.profile(inputs)
          report.engine = "integer"
          report.isa = IntegerEngine.instructionSet
          report.weightBytes = profile.weightBytes
          report.arenaBytes = profile.arenaBytes
          report.peakGOPS = IntegerEngine.measuredPeak()
          let all = operations.values.reduce(0, +)
          report.integerShare =
            all == 0 ? 0 : Double(profile.integerMultiplications) / Double(all)
          if let device = options.profile {
            report.predict(LatencyModel(device, threads: threads).prediction(of: profile.steps))
          }
          return finish(report, threads: threads, multiplications: operations)
        }
      }
    }
  }

  /// The times of one run, layer by layer, and the bytes of its values.
  struct Timings {
    var layers: [(name: String, kernel: String, nanoseconds: Int)]
    var peakBytes: Int
  }

  private static func measure(
    runs: Int, run: () throws -> Void, profile: () throws -> Timings
  ) throws -> BenchmarkReport {
    for _ in 0..<warmUpRuns { try run() }
    var milliseconds: [Double] = []
    for _ in 0..<max(runs, 1) {
      let start = DispatchTime.now().uptimeNanoseconds
      try run()
      milliseconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
    }
    milliseconds.sort()
    let profiles = try (0..<min(profiledRuns, max(runs, 1))).map { _ in try profile() }
    return BenchmarkReport(
      engine: "", threads: 1, medianMilliseconds: quantile(0.5, of: milliseconds),
      minMilliseconds: milliseconds[0], p95Milliseconds: quantile(0.95, of: milliseconds),
      weightBytes: 0, arenaBytes: profiles.map(\.peakBytes).max() ?? 0, isa: "", integerShare: 0,
      layers: layers(profiles))
  }

  private static func finish(
    _ report: BenchmarkReport, threads: Int, multiplications: [String: Int]
  ) -> BenchmarkReport {
    var report = report
    report.threads = threads
    for index in report.layers.indices {
      guard let macs = multiplications[report.layers[index].name] else { continue }
      report.layers[index].gops = 2 * Double(macs) / max(report.layers[index].us, 1e-3) / 1000
    }
    return report
  }

  /// Multiply-accumulates by the name of the node.
  private static func multiplications(
    of model: Model, inputs: [String: Tensor]
  ) throws -> [String: Int] {
    let statistics = try GraphStatistics(model, inputShapes: inputs.mapValues(\.shape))
    return statistics.layers.reduce(into: [:]) { $0[$1.name] = $1.macs }
  }

  private static func layers(_ profiles: [Timings]) -> [BenchmarkReport.Layer] {
    guard let first = profiles.first else { return [] }
    return first.layers.enumerated().map { index, layer in
      // Data may steer control flow, but the same inputs take the same way.
      let times = profiles.compactMap { profile in
        index < profile.layers.count ? Double(profile.layers[index].nanoseconds) / 1000 : nil
      }
      return BenchmarkReport.Layer(
        name: layer.name, kernel: layer.kernel, us: quantile(0.5, of: times.sorted()), gops: nil)
    }
  }

  /// The value at a fraction of a sorted list, between its neighbours.
  static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
    guard let last = sorted.indices.last else { return 0 }
    let position = fraction * Double(last)
    let lower = Int(position)
    let upper = min(lower + 1, last)
    return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
  }
}

extension BenchmarkReport {
  fileprivate mutating func predict(_ prediction: LatencyModel.Prediction) {
    predictedMilliseconds = prediction.seconds * 1000
    for (index, seconds) in prediction.steps.enumerated() where index < layers.count {
      layers[index].predictedMicroseconds = seconds.map { $0 * 1e6 }
    }
  }
}

extension RunProfile {
  fileprivate var timings: Benchmark.Timings {
    Benchmark.Timings(
      layers: nodes.map { ($0.name, $0.kernel, $0.nanoseconds) }, peakBytes: peakBytes)
  }
}

extension IntegerProfile {
  fileprivate var timings: Benchmark.Timings {
    Benchmark.Timings(
      layers: steps.map { ($0.name, $0.kernel, $0.nanoseconds) }, peakBytes: arenaBytes)
  }
}
