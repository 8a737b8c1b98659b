import FloatRuntime
import Foundation
import GraphIR
import ONNXFormat
import Tensors

/// `tapq benchmark`: the time of one inference.
public enum Benchmark {
  public struct Options: Sendable {
    public var model: String
    public var threads: [Int]
    public var runs: Int
    /// Sizes of free axes by input.
    public var shapes: [String: [Int]]

    public init(model: String, threads: [Int], runs: Int, shapes: [String: [Int]] = [:]) {
      self.model = model
      self.threads = threads
      self.runs = runs
      self.shapes = shapes
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
      return try options.threads.map { threads in
        try measure(
          model, inputs: inputs.mapValues { .tensor($0) }, threads: threads, runs: options.runs,
          multiplications: operations)
      }
    }
  }

  private static func measure(
    _ model: Model, inputs: [String: RuntimeValue], threads: Int, runs: Int,
    multiplications: [String: Int]
  ) throws -> BenchmarkReport {
    let engine = try FloatEngine(model: model, threads: threads)
    for _ in 0..<warmUpRuns { _ = try engine.run(inputs) }
    var milliseconds: [Double] = []
    for _ in 0..<max(runs, 1) {
      let start = DispatchTime.now().uptimeNanoseconds
      _ = try engine.run(inputs)
      milliseconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
    }
    milliseconds.sort()
    let profiles = try (0..<min(profiledRuns, max(runs, 1))).map { _ in try engine.profile(inputs) }
    return BenchmarkReport(
      engine: "float", threads: threads, medianMilliseconds: quantile(0.5, of: milliseconds),
      minMilliseconds: milliseconds[0], p95Milliseconds: quantile(0.95, of: milliseconds),
      weightBytes: model.graph.initializers.values.reduce(0) { $0 + $1.storage.byteCount },
      arenaBytes: profiles.map(\.peakBytes).max() ?? 0, isa: FloatEngine.instructionSet,
      layers: layers(profiles, multiplications: multiplications))
  }

  /// Multiply-accumulates by the name of the node.
  private static func multiplications(
    of model: Model, inputs: [String: Tensor]
  ) throws -> [String: Int] {
    let statistics = try GraphStatistics(model, inputShapes: inputs.mapValues(\.shape))
    return statistics.layers.reduce(into: [:]) { $0[$1.name] = $1.macs }
  }

  private static func layers(
    _ profiles: [RunProfile], multiplications: [String: Int]
  ) -> [BenchmarkReport.Layer] {
    guard let first = profiles.first else { return [] }
    return first.nodes.enumerated().map { index, node in
      // Data may steer control flow, but the same inputs take the same way.
      let times = profiles.compactMap { profile in
        index < profile.nodes.count ? Double(profile.nodes[index].nanoseconds) / 1000 : nil
      }
      let us = quantile(0.5, of: times.sorted())
      let gops = multiplications[node.name].map { 2 * Double($0) / max(us, 1e-3) / 1000 }
      return BenchmarkReport.Layer(name: node.name, kernel: node.kernel, us: us, gops: gops)
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
