import Calibration
import Foundation
import GraphIR
import ProxySearch

/// What formulas have read off a network and its calibration samples, on disk.
struct StatisticsCache {
  let path: String

  /// The file of `key` in `folder`, which is made where it is missing.
  init(folder: String, key: String) throws(CacheError) {
    path = try CacheFolder(folder).file("statistics-\(key).json")
  }

  /// None where there is no such file, or it cannot be read.
  func load() -> NetworkFacts.Readings {
    guard let data = FileManager.default.contents(atPath: path) else { return [:] }
    return (try? JSONDecoder().decode(NetworkFacts.Readings.self, from: data)) ?? [:]
  }

  /// Replaces the file at once.
  func store(_ readings: NetworkFacts.Readings) throws(CacheError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let data = try? encoder.encode(readings) else { throw .notFinite(path: path) }
    do {
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .notWritten(path: path)
    }
  }
}

extension Fingerprint {
  /// Of everything that statistics and the outcomes of plans depend on.
  init(
    _ model: Model, options: QuantizeOptions, ranges: ActivationRanges,
    inputs: [String: LayerInputSample]
  ) {
    self.init()
    add("6 \(options.rounding) \(options.effort) \(options.range) \(options.seed)")
    add("\(options.augments) \(options.scaleBlock ?? 0) \(options.activationBits ?? [])")
    add(model)
    for (name, parameters) in ranges.chosen([:], sites: []).sorted(by: { $0.key < $1.key }) {
      add("\(name) \(parameters)")
    }
    for (name, sample) in inputs.sorted(by: { $0.key < $1.key }) {
      add(name)
      sample.withColumns { add(UnsafeRawBufferPointer($0)) }
    }
  }
}
