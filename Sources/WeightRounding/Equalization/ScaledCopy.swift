import GraphIR
import Tensors

/// A value times a factor for each channel of its last axis, which layers read in its place.
struct ScaledCopy {
  let value: String
  let factors: [Float]
  /// Of the layers.
  let weights: [String]

  func insert(into graph: inout Graph) {
    let readers = graph.nodes.indices.filter { index in
      let node = graph.nodes[index]
      return node.input(0) == value && node.input(1).map(weights.contains) ?? false
    }
    guard let first = readers.first else { return }
    var names = NameSupply(graph, nodeNames: true)
    let copy = names.fresh(value + "_smoothed")
    let constant = names.fresh(value + "_smoothing")
    graph.initializers[constant] = Tensor(factors, shape: [factors.count])
    for index in readers { graph.nodes[index].inputs[0] = copy }
    graph.nodes.insert(
      Node(name: copy, op: "Mul", inputs: [value, constant], outputs: [copy]), at: first)
  }
}
