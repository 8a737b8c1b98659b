import Tensors

/// How long every activation of a graph must be kept.
///
/// Values that need no memory of their own share another's: the result of a reshape its input's;
/// in a QDQ graph, the dequantized form its integers', and a float that only goes (through Relu or
/// Clip) into a quantizer that quantizer's.
struct ActivationLiveness {
  let peakBytes: Int

  private static let views: Set<String> = [
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "DequantizeLinear", "Dropout",
  ]

  init(_ graph: Graph, types: [String: ValueType]) {
    let constants = ConstantSources(graph)
    var owners = ActivationLiveness.owners(in: graph)
    func owner(_ name: String) -> String {
      var name = name
      while let next = owners[name] { name = next }
      return name
    }
    for node in graph.nodes where node.domain.isEmpty && ActivationLiveness.views.contains(node.op)
    {
      if let input = node.input(0), let output = node.output(0), owners[output] == nil,
        owner(input) != output
      {
        owners[output] = owner(input)
      }
    }
    var first: [String: Int] = [:]
    var last: [String: Int] = [:]
    func note(_ name: String, at step: Int) {
      let owner = owner(name)
      guard !name.isEmpty, !constants.isConstant(owner) else { return }
      if first[owner] == nil { first[owner] = step }
      last[owner] = step
    }
    for input in graph.requiredInputs { note(input.name, at: 0) }
    for (step, node) in graph.nodes.enumerated() {
      var reads: Set<String> = []
      node.collectReads(into: &reads)
      for name in reads { note(name, at: step) }
      for name in node.outputs where !name.isEmpty { note(name, at: step) }
    }
    for output in graph.outputs { note(output.name, at: graph.nodes.count - 1) }
    var changes = Array(repeating: 0, count: graph.nodes.count + 2)
    for (name, start) in first {
      guard let end = last[name], let bytes = ActivationLiveness.bytes(types[name]) else {
        continue
      }
      changes[max(start, 0)] += bytes
      changes[max(end, 0) + 1] -= bytes
    }
    var live = 0
    var peak = 0
    for change in changes {
      live += change
      peak = max(peak, live)
    }
    peakBytes = peak
  }

  /// Floats that only exist to be quantized, with the quantized value that stands for them.
  private static func owners(in graph: Graph) -> [String: String] {
    let uses = graph.readCounts
    let outputs = Set(graph.outputs.map(\.name))
    let inputs = Set(graph.inputs.map(\.name))
    var owners: [String: String] = [:]
    for node in graph.nodes.reversed() where node.domain.isEmpty {
      guard let data = node.input(0), let output = node.output(0), uses[data] == 1,
        !outputs.contains(data), !inputs.contains(data)
      else { continue }
      switch node.op {
      case "QuantizeLinear": owners[data] = output
      case "Relu", "Clip": if owners[output] != nil { owners[data] = output }
      default: break
      }
    }
    return owners
  }

  /// Bytes of a tensor; nil where its shape is not known or the size absurd.
  private static func bytes(_ type: ValueType?) -> Int? {
    guard case .tensor(let element, _) = type, let shape = type?.fixedShape,
      let count = Tensor.checkedCount(of: shape), let bytes = element.byteCount(of: count),
      bytes < 1 << 50
    else { return nil }
    return bytes
  }
}
