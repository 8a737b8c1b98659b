import Parallelism
import Tensors

/// What a kernel may use while it runs.
struct RunContext: Sendable {
  let pool: WorkerPool
  /// Values that subgraphs may read, by name: those defined so far here and around.
  let scope: ValueScope
  /// Present while a run is profiled.
  let trace: RunTrace?

  init(pool: WorkerPool, scope: ValueScope = ValueScope(), trace: RunTrace? = nil) {
    self.pool = pool
    self.scope = scope
    self.trace = trace
  }
}

/// The values of one run of a graph by slot, with those of the graphs around it by name.
/// One thread, the one that runs the graph, reads and writes it.
final class ValueScope: @unchecked Sendable {
  private let slots: [String: Int]
  var values: [RuntimeValue?]
  private let parent: ValueScope?

  init(slots: [String: Int] = [:], values: [RuntimeValue?] = [], parent: ValueScope? = nil) {
    self.slots = slots
    self.values = values
    self.parent = parent
  }

  subscript(name: String) -> RuntimeValue? {
    slots[name].flatMap { values[$0] } ?? parent?[name]
  }
}
