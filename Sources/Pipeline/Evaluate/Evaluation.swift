import FloatRuntime
public import GraphIR
import ONNXFormat
import Tensors

/// `tapq evaluate`: accuracy on samples, and closeness to a reference network.
public struct Evaluation: Sendable {
  public struct Options: Sendable {
    public var model: String
    public var data: [String]
    public var labels: String?
    public var reference: String?
    public var preprocessing: Preprocessing
    public var samples: Int?
    /// Nil for the engine that fits the model.
    public var engine: EngineKind?
    public var threads: Int

    public init(
      model: String, data: [String], labels: String? = nil, reference: String? = nil,
      preprocessing: Preprocessing = Preprocessing(), samples: Int? = nil,
      engine: EngineKind? = nil, threads: Int = 1
    ) {
      self.model = model
      self.data = data
      self.labels = labels
      self.reference = reference
      self.preprocessing = preprocessing
      self.samples = samples
      self.engine = engine
      self.threads = threads
    }
  }

  /// Evaluates; `progress` hears of the samples done and their number.
  public static func run(
    _ options: Options, progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> EvaluationReport {
    let model = try ONNXFile.load(path: options.model)
    let reference = try options.reference.map { try ONNXFile.load(path: $0) }
    let source = try SampleSource(
      options.data, model: model, preprocessing: options.preprocessing, limit: options.samples)
    let labels = try options.labels.map {
      try Labels.read(
        path: $0, count: source.count * source.rowsPerSample, names: source.imagePaths)
    }
    return try run(
      model: model, reference: reference, source: source, labels: labels ?? source.labels,
      paths: (options.model, options.reference ?? ""),
      preprocessing: options.preprocessing, engine: options.engine, threads: options.threads,
      progress: progress)
  }

  /// Evaluates models that are loaded already; errors name them by `paths`.
  public static func run(
    model: Model, reference: Model?, source: SampleSource, labels: [Int]? = nil,
    paths: (model: String, reference: String) = ("the model", "the reference"),
    preprocessing: Preprocessing = Preprocessing(), engine kind: EngineKind? = nil, threads: Int,
    progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> EvaluationReport {
    let engine = try ModelError.naming(paths.model) {
      try ModelEngine(kind ?? EngineKind(for: model), model: model, threads: threads)
    }
    let referenceEngine = try ModelError.naming(paths.reference) {
      try reference.map { try ModelEngine(EngineKind(for: $0), model: $0, threads: threads) }
    }
    var tally = EvaluationTally(outputs: model.graph.outputs.map(\.name), labels: labels)
    var start = 0
    while start < source.count {
      let (feed, count) = try nextFeed(source, at: start)
      let outputs = try ModelError.naming(paths.model) { try engine.run(feed) }
      let expected = try ModelError.naming(paths.reference) { try referenceEngine?.run(feed) }
      try tally.add(outputs, reference: expected, samples: count)
      start += count
      progress(start, source.count)
    }
    return tally.report(preprocessing: preprocessing)
  }

  /// Elements of one input in a batch, at most, so that memory stays bounded.
  private static let batchElements = 1 << 21
  private static let batchSamples = 32

  private static func nextFeed(
    _ source: SampleSource, at start: Int
  ) throws -> (feed: [String: Tensor], count: Int) {
    let first = try source.feed(start)
    let elements = max(1, first.values.map(\.count).max() ?? 1)
    let count = min(batchSamples, max(1, batchElements / elements), source.count - start)
    guard source.canBatch, count > 1, let batch = try source.batch(start..<start + count) else {
      return (first, 1)
    }
    return (batch, count)
  }
}

extension EvaluationError: UnmetRequestError {}

/// Why two networks cannot be compared.
public enum EvaluationError: Error, Equatable, Sendable {
  case outputMissing(name: String)
  case outputShape(name: String, found: [Int], reference: [Int])
}

extension EvaluationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .outputMissing(let name): "the reference model has no output '\(name)'"
    case .outputShape(let name, let found, let reference):
      "output '\(name)' has shape \(found), the reference's has \(reference)"
    }
  }
}
