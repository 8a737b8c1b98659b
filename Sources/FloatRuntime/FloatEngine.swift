public import GraphIR
import Parallelism
public import Tensors

/// Interprets a model in float32 (and whatever other types its operators ask for).
///
/// Construction names every operator that is missing before anything is computed.
public final class FloatEngine: Sendable {
  public let model: Model
  private let prepared: PreparedGraph
  private let pool: WorkerPool

  public init(model: Model, threads: Int = 1) throws {
    self.model = model
    prepared = try PreparedGraph(graph: model.graph) { _ in nil }
    pool = WorkerPool(threadCount: threads)
  }

  /// Runs the model on inputs by name; returns outputs by name.
  public func run(
    _ inputs: [String: RuntimeValue], observer: ValueObserver? = nil
  ) throws -> [String: RuntimeValue] {
    for input in model.graph.requiredInputs where inputs[input.name] == nil {
      throw RuntimeError.inputMissing(name: input.name)
    }
    let context = RunContext(pool: pool, scope: ValueScope())
    let outputs = try prepared.run(inputs, context: context, observer: observer)
    return Dictionary(
      zip(model.graph.outputs.map(\.name), outputs), uniquingKeysWith: { first, _ in first })
  }
}
