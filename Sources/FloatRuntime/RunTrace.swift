import GraphIR
import Tensors

/// The time of one run of a node.
public struct NodeTiming: Sendable, Codable, Equatable {
  public let name: String
  public let op: String
  /// The implementation that ran, with its instruction set.
  public let kernel: String
  public let nanoseconds: Int
}

/// Where the time and the memory of a run went.
public struct RunProfile: Sendable, Codable, Equatable {
  public let nodes: [NodeTiming]
  /// Bytes of the values that were alive at once, constants not counted.
  public let peakBytes: Int
}

/// Records a run. Used by the thread that runs the graph.
final class RunTrace: @unchecked Sendable {
  private(set) var nodes: [NodeTiming] = []
  private(set) var peakBytes = 0
  private var kernel = ""
  private let constants: Set<ObjectIdentifier>

  init(constants: Set<ObjectIdentifier>) { self.constants = constants }

  /// Names the implementation of the node that runs.
  func use(kernel: String) { self.kernel = kernel }

  func measure(
    _ node: Node, scope: ValueScope, _ body: () throws -> [RuntimeValue]
  ) rethrows -> [RuntimeValue] {
    kernel = ""
    let start = ContinuousClock.now
    let results = try body()
    let elapsed = (ContinuousClock.now - start).components
    nodes.append(
      NodeTiming(
        name: node.name.isEmpty ? node.identity : node.name, op: node.op,
        kernel: kernel.isEmpty ? node.op : kernel,
        nanoseconds: Int(elapsed.seconds) * 1_000_000_000
          + Int(elapsed.attoseconds / 1_000_000_000)))
    countBytes(scope.values.compactMap { $0 } + results)
    return results
  }

  private func countBytes(_ values: [RuntimeValue]) {
    var seen = constants
    var total = 0
    func visit(_ value: RuntimeValue) {
      switch value {
      case .tensor(let tensor):
        if seen.insert(ObjectIdentifier(tensor.storage)).inserted {
          total += tensor.storage.byteCount
        }
      case .sequence(let list): list.forEach(visit)
      case .optional(let inner): inner.map(visit)
      }
    }
    values.forEach(visit)
    peakBytes = max(peakBytes, total)
  }
}
