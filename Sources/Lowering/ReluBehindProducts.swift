import GraphIR
import Tensors

extension GraphPatch {
  /// Writes `Relu` behind a product of float inputs as `Max` with zero: ONNX Runtime would fuse it with the
  /// product before that fuses with its integer weights, which it then dequantizes on every run.
  static func replaceReluBehindProducts(_ sites: QuantizationSites) -> GraphPatch {
    GraphPatch("replace Relu behind products") { model in
      let products = Set(sites.layers.filter { $0.op != "Conv" }.map(\.output))
      var scope = NameSupply(model.graph, nodeNames: true)
      var zero: String?
      for position in model.graph.nodes.indices {
        let node = model.graph.nodes[position]
        guard node.isOperator("Relu"), let source = node.input(0), products.contains(source)
        else { continue }
        let name = zero ?? scope.fresh("zero")
        zero = name
        model.graph.initializers[name] = Tensor(scalar: Float(0))
        model.graph.nodes[position].op = "Max"
        model.graph.nodes[position].inputs = [source, name]
      }
    }
  }
}
