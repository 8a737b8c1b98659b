import GraphIR
import Parallelism
import Tensors

extension GraphPatch {
  /// Computes each DequantizeLinear of constants, which no integer layer took, and each Cast of constants
  /// to float.
  public static var foldDequantizedConstants: GraphPatch {
    GraphPatch("fold dequantized constants") { model in
      let usage = ValueUsage(model.graph)
      let pool = WorkerPool(threadCount: 1)
      let outputs = Set(model.graph.outputs.map(\.name))
      var folded: [(String, Tensor)] = []
      model.graph.nodes = try model.graph.nodes.filter { node in
        let isCast =
          try node.isOperator("Cast") && node.int("to") == Int(ElementType.float32.rawValue)
        guard isCast || node.isOperator("DequantizeLinear"), !outputs.contains(node.identity)
        else { return true }
        var alone = Graph(name: node.identity)
        for input in node.inputs where !input.isEmpty {
          guard let constant = usage.constant(input) else { return true }
          alone.initializers[input] = constant
        }
        alone.nodes = [node]
        alone.outputs = [ValueInfo(name: node.identity, type: nil)]
        let results = try PreparedGraph(graph: alone) { _ in nil }.run(
          [:], context: RunContext(pool: pool))
        guard case .tensor(let tensor)? = results.first else { return true }
        folded.append((node.identity, tensor))
        return false
      }
      for (name, tensor) in folded { model.graph.initializers[name] = tensor }
    }
  }
}
