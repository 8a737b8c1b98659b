import Parallelism
import Tensors

/// What a kernel may use while it runs.
struct RunContext: Sendable {
  let pool: WorkerPool
  /// Values that subgraphs may read, by name: those defined so far here and around.
  let scope: ValueScope
}

/// A chain of name tables: a subgraph's own values first, then those of the graphs around it.
final class ValueScope: @unchecked Sendable {
  private var values: [String: RuntimeValue]
  private let parent: ValueScope?

  init(values: [String: RuntimeValue] = [:], parent: ValueScope? = nil) {
    self.values = values
    self.parent = parent
  }

  subscript(name: String) -> RuntimeValue? {
    get { values[name] ?? parent?[name] }
    set { values[name] = newValue }
  }

  func remove(_ name: String) { values.removeValue(forKey: name) }
}
