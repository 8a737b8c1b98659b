import GraphIR
import HardwareProfiles
import Tensors

extension KernelWorkload {
  /// What a cost model sees of a node that runs in float. Products show their sizes, all others
  /// their elements; what has no known shape counts as empty.
  init(floatNode node: Node, types: [String: ValueType]) {
    func shape(_ name: String?) -> [Int]? { name.flatMap { types[$0]?.fixedShape } }
    let read = node.inputs.indices.compactMap { shape(node.input($0)) }
    let results = node.outputs.compactMap { shape($0) }
    self.init(
      name: node.name.isEmpty ? node.identity : node.name, op: node.op, kind: .float,
      activationBits: 32, inputs: read.reduce(0) { $0 + Tensor.count(of: $1) },
      outputs: results.reduce(0) { $0 + Tensor.count(of: $1) })
    switch node.op {
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Shape":
      // No byte moves.
      (inputs, outputs) = (0, 0)
    case "Gather", "GatherElements", "GatherND", "Slice", "Split":
      // They read no more than they give.
      inputs = outputs
    case "MatMul", "Gemm", "FusedGemm":
      guard let left = shape(node.input(0)), let result = results.first, result.count >= 2,
        left.count >= 2
      else { return }
      rows = result[result.count - 2]
      columns = result[result.count - 1]
      depth = left[left.count - 1]
      groups = result.dropLast(2).reduce(1, *)
    case "FusedAttention":
      guard let query = shape(node.input(0)), let key = shape(node.input(1)), query.count == 4,
        key.count == 4
      else { return }
      // Scores, then weighted values.
      rows = query[1]
      depth = 2 * query[3]
      columns = key[1]
      groups = query[0] * query[2]
    case "Conv", "FusedConv":
      guard let weight = shape(node.input(1)), let result = results.first, result.count >= 3,
        weight.count >= 3, weight[0] > 0
      else { return }
      rows = result[0] * result.dropFirst(2).reduce(1, *)
      depth = weight.dropFirst().reduce(1, *)
      columns = weight[0]
    default: break
    }
  }
}
