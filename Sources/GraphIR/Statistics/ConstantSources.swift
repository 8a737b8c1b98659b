import Tensors

/// Which stored constants a node reads, directly or computed from them alone (unpacked, transposed,
/// generated).
struct ConstantSources {
  private static let random: Set<String> = [
    "Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike",
  ]

  /// Stored constants behind every value that depends on nothing else.
  private var sources: [String: Set<String>] = [:]
  private var sizes: [String: Int] = [:]

  init(_ graph: Graph) {
    for (name, tensor) in graph.initializers {
      sources[name] = [name]
      sizes[name] = tensor.byteCount
    }
    for node in graph.nodes where node.domain.isEmpty && node.subgraphs.isEmpty {
      if node.op == "Constant", let output = node.output(0) {
        sources[output] = [output]
        sizes[output] = node.constantValue?.byteCount ?? 0
        continue
      }
      guard !ConstantSources.random.contains(node.op), !node.inputs.isEmpty else { continue }
      var all: Set<String> = []
      var isConstant = true
      for input in node.inputs where !input.isEmpty {
        guard let own = sources[input] else {
          isConstant = false
          break
        }
        all.formUnion(own)
      }
      guard isConstant else { continue }
      for output in node.outputs where !output.isEmpty { sources[output] = all }
    }
  }

  func isConstant(_ name: String) -> Bool { sources[name] != nil }

  func bytes(of node: Node) -> Int {
    node.inputs.reduce(into: Set<String>()) { $0.formUnion(sources[$1] ?? []) }
      .reduce(0) { $0 + (sizes[$1] ?? 0) }
  }
}
