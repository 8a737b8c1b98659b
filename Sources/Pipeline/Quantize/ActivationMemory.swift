import GraphIR
import Tensors

/// The most bytes of values that are alive at once while an integer engine runs a QDQ graph.
///
/// A quantized value lives in its integer type until the last reader behind its
/// `DequantizeLinear`; dequantized values, and float values on their way into a quantizer, exist
/// only inside kernels. Open dimensions count as 1.
enum ActivationMemory {
  static func peakBytes(of model: Model) throws -> Int {
    let types = try ShapeInference.infer(model)
    let graph = model.graph
    let roots = aliases(in: graph)
    let transient = valuesInsideKernels(graph)
    let outputs = Set(graph.outputs.map(\.name))
    var lastUse: [String: Int] = [:]
    for (position, node) in graph.nodes.enumerated() {
      for name in node.inputs { lastUse[roots[name] ?? name] = position }
    }
    func bytes(_ name: String) -> Int {
      guard roots[name] == nil, graph.initializers[name] == nil, !transient.contains(name),
        case .tensor(let type, let shape)? = types[name]
      else { return 0 }
      let count = Tensor.checkedCount(of: (shape ?? []).map { $0.size ?? 1 }) ?? 0
      return type.byteCount(of: count) ?? 0
    }
    var alive = Set(graph.requiredInputs.map(\.name))
    var current = alive.reduce(0) { $0 + bytes($1) }
    var peak = current
    for (position, node) in graph.nodes.enumerated() {
      for output in node.outputs where alive.insert(output).inserted { current += bytes(output) }
      peak = max(peak, current)
      for name in Set((node.inputs + node.outputs).map { roots[$0] ?? $0 })
      where lastUse[name] ?? -1 <= position && !outputs.contains(name) {
        if alive.remove(name) != nil { current -= bytes(name) }
      }
    }
    return peak
  }

  /// Dequantized values, by the integer value that they stand for.
  private static func aliases(in graph: Graph) -> [String: String] {
    var roots: [String: String] = [:]
    for node in graph.nodes where node.isOperator("DequantizeLinear") {
      if let source = node.input(0), let result = node.output(0) {
        roots[result] = roots[source] ?? source
      }
    }
    return roots
  }

  /// Float values that only a quantizer reads, directly or behind a Relu or Clip.
  private static func valuesInsideKernels(_ graph: Graph) -> Set<String> {
    let outputs = Set(graph.outputs.map(\.name))
    var readers: [String: [Node]] = [:]
    for node in graph.nodes {
      for name in Set(node.inputs + node.subgraphs.flatMap { $0.freeNames }) {
        readers[name, default: []].append(node)
      }
    }
    var inside: Set<String> = []
    for node in graph.nodes.reversed() {
      for name in node.outputs where !outputs.contains(name) {
        let all = readers[name] ?? []
        let vanishes = all.allSatisfy { reader in
          reader.isOperator("QuantizeLinear")
            || ((reader.isOperator("Relu") || reader.isOperator("Clip"))
              && reader.output(0).map(inside.contains) == true)
        }
        if !all.isEmpty, vanishes { inside.insert(name) }
      }
    }
    return inside
  }
}

extension Graph {
  /// Every name that the nodes of this graph read.
  fileprivate var freeNames: [String] {
    nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.freeNames) } + outputs.map(\.name)
  }
}
