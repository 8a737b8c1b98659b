public import GraphIR
public import Parallelism
import Tensors

/// Interprets a model in float32 (and whatever other types its operators ask for).
///
/// Construction names every operator that is missing before anything is computed.
public final class FloatEngine: Sendable {
  /// The model as it was given.
  public let model: Model
  private let prepared: PreparedGraph
  private let checker: InputChecker
  private let pool: WorkerPool

  /// `observing` names the values that an observer wants to see: rewrites for speed leave them.
  /// All other inner values may disappear.
  public convenience init(model: Model, threads: Int = 1, observing: Set<String> = []) throws {
    try self.init(
      model: model, pool: WorkerPool(threadCount: threads), observing: observing)
  }

  /// Runs on the threads of `pool`, which others may use in turn.
  public init(model: Model, pool: WorkerPool, observing: Set<String> = []) throws {
    self.model = model
    let rewritten = try EngineRewrites.apply(to: model, observing: observing)
    prepared = try PreparedGraph(graph: rewritten.graph) { _ in nil }
    checker = InputChecker(graph: model.graph)
    self.pool = pool
  }

  /// Runs the model on inputs by name; returns outputs by name.
  public func run(
    _ inputs: [String: RuntimeValue], observer: ValueObserver? = nil
  ) throws -> [String: RuntimeValue] {
    try run(inputs, trace: nil, observer: observer)
  }

  /// Runs the model on values that fit its inputs, in their order; the outputs in theirs.
  package func run(ordered inputs: [RuntimeValue]) throws -> [RuntimeValue] {
    try prepared.run(ordered: inputs, context: RunContext(pool: pool))
  }

  /// The nodes that run, after the rewrites for speed.
  package var preparedNodes: [Node] { prepared.graph.nodes }

  /// Runs the model once and says where its time went.
  public func profile(_ inputs: [String: RuntimeValue]) throws -> RunProfile {
    let constants = prepared.graph.initializers.values.map { ObjectIdentifier($0.storage) }
    let trace = RunTrace(constants: Set(constants))
    _ = try run(inputs, trace: trace, observer: nil)
    return RunProfile(nodes: trace.nodes, peakBytes: trace.peakBytes)
  }

  private func run(
    _ inputs: [String: RuntimeValue], trace: RunTrace?, observer: ValueObserver?
  ) throws -> [String: RuntimeValue] {
    try checker.check(inputs)
    let outputs = try prepared.run(
      inputs, context: RunContext(pool: pool, trace: trace), observer: observer)
    return Dictionary(
      zip(model.graph.outputs.map(\.name), outputs), uniquingKeysWith: { first, _ in first })
  }
}
