import Tensors

/// Which stored constants a node reads, through the nodes that only unpack or arrange them.
struct ConstantSources {
  private static let unpacking: Set<String> = [
    "Cast", "DequantizeLinear", "QuantizeLinear", "Identity", "Transpose", "Reshape", "Squeeze",
    "Unsqueeze",
  ]

  /// Stored constants behind every value that depends on nothing else.
  private var sources: [String: Set<String>] = [:]
  private var sizes: [String: Int] = [:]

  init(_ graph: Graph) {
    for (name, tensor) in graph.initializers {
      sources[name] = [name]
      sizes[name] = tensor.byteCount
    }
    for node in graph.nodes where node.domain.isEmpty {
      guard let output = node.output(0) else { continue }
      if node.op == "Constant" {
        sources[output] = [output]
        sizes[output] = node.constantValue?.byteCount ?? 0
        continue
      }
      guard ConstantSources.unpacking.contains(node.op), !node.inputs.isEmpty else { continue }
      var all: Set<String> = []
      var isConstant = true
      for input in node.inputs where !input.isEmpty {
        guard let own = sources[input] else {
          isConstant = false
          break
        }
        all.formUnion(own)
      }
      if isConstant { sources[output] = all }
    }
  }

  func isConstant(_ name: String) -> Bool { sources[name] != nil }

  func bytes(of node: Node) -> Int {
    node.inputs.reduce(into: Set<String>()) { $0.formUnion(sources[$1] ?? []) }
      .reduce(0) { $0 + (sizes[$1] ?? 0) }
  }
}
