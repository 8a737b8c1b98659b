public import FloatRuntime
import Foundation
public import Parallelism
public import Tensors

/// Feeds samples to the float engine and gathers statistics as values come by. Memory is bounded:
/// a histogram for each activation, a sample of columns for each layer, some elements of values that
/// are looked at together.
public final class CalibrationRun: @unchecked Sendable {
  private let lock = NSLock()
  private let pool: WorkerPool
  private var histograms: [String: ValueHistogram] = [:]
  private var inputs: [String: [LayerInputSample]] = [:]
  private var elements: [String: ElementSample] = [:]
  private var sample = 0
  private var failure: CalibrationError?

  /// `elementsOf`: values of which elements are kept, those of one shape at the same places.
  public init(
    activations: some Sequence<String>, elementsOf: Set<String> = [], layers: [ObservedLayer],
    columnsPerSample: Int, expectedSamples: Int, seed: Int = 0, pool: WorkerPool
  ) {
    self.pool = pool
    for name in activations { histograms[name] = ValueHistogram() }
    for name in elementsOf {
      elements[name] = ElementSample(perSample: Self.elements / max(expectedSamples, 1))
    }
    for layer in layers {
      inputs[layer.input, default: []].append(
        LayerInputSample(
          layer: layer, columnsPerSample: columnsPerSample, expectedSamples: expectedSamples,
          seed: seed))
    }
  }

  /// Names of the values that the engine has to let through.
  public var observed: Set<String> { Set(histograms.keys).union(inputs.keys).union(elements.keys) }

  /// Runs one sample.
  public func add(_ feed: [String: Tensor], engine: FloatEngine) throws {
    for (name, tensor) in feed.sorted(by: { $0.key < $1.key }) {
      try checkFinite(tensor, name: name)
      see(name, tensor)
    }
    _ = try engine.run(feed.mapValues { .tensor($0) }) { [self] name, tensor in
      see(name, tensor)
    }
    if let failure { throw failure }
    sample += 1
  }

  /// What was gathered. Throws where there was no sample, or a value never came by.
  public func finish() throws -> CalibrationFindings {
    guard sample > 0 else { throw CalibrationError.noSamples }
    if let missing = histograms.filter({ $0.value.count == 0 }).keys.min() {
      throw CalibrationError.notObserved(value: missing)
    }
    var byLayer: [String: LayerInputSample] = [:]
    for sampled in inputs.values.joined() { byLayer[sampled.layer.name] = sampled }
    return CalibrationFindings(
      table: CalibrationTable(samples: sample, values: histograms), inputs: byLayer,
      elements: elements.mapValues(\.values))
  }

  /// Elements of a value that all samples together give.
  private static let elements = 1 << 15

  private func checkFinite(_ tensor: Tensor, name: String) throws(CalibrationError) {
    guard tensor.elementType == .float32 else { return }
    let isFinite = tensor.withElements(of: Float.self) { values in
      values.allSatisfy(\.isFinite)
    }
    guard isFinite else { throw .notFinite(value: name, sample: sample) }
  }

  private func see(_ name: String, _ tensor: Tensor) {
    lock.lock()
    defer { lock.unlock() }
    guard failure == nil else { return }
    do throws(CalibrationError) {
      if histograms[name] != nil {
        guard tensor.elementType == .float32 else {
          throw .elementType(value: name, found: tensor.elementType.description)
        }
        let added = tensor.withElements(of: Float.self) { values in
          histograms[name]?.add(values, pool: pool) ?? true
        }
        guard added else { throw .notFinite(value: name, sample: sample) }
      }
      guard tensor.elementType == .float32 else { return }
      elements[name]?.take(from: tensor, sample: sample)
      for index in 0..<(inputs[name]?.count ?? 0) {
        try inputs[name]?[index].take(from: tensor, sample: sample, pool: pool)
      }
    } catch {
      failure = error
    }
  }
}
