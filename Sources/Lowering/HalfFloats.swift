public import GraphIR
import Tensors

extension GraphPatch {
  /// Stores large constants in 16-bit floats: `Cast(FLOAT)` of FLOAT16, which runtimes do once, at load.
  /// Those in `except` stay, and those with values that FLOAT16 does not reach.
  public static func storeHalfFloats(except: Set<String>) -> GraphPatch {
    GraphPatch("store constants in 16-bit floats") { model in
      let inputs = Set(model.graph.inputs.map(\.name))
      let outputs = Set(model.graph.outputs.map(\.name))
      var scope = NameSupply(model.graph, nodeNames: true)
      var casts: [Node] = []
      for (name, tensor) in model.graph.initializers {
        guard !except.contains(name), !inputs.contains(name), !outputs.contains(name),
          let half = HalfFloats.stored(tensor)
        else { continue }
        let stored = scope.fresh(name + "_half")
        model.graph.replaceInitializer(name, by: [(stored, half)])
        casts.append(
          Node(
            name: scope.fresh(name + "_Cast"), op: "Cast", inputs: [stored], outputs: [name],
            attributes: [Attribute("to", .int(Int(ElementType.float32.rawValue)))]))
      }
      model.graph.nodes = casts + model.graph.nodes
    }
  }
}

enum HalfFloats {
  /// Smaller constants are not worth a node; vectors are scales and offsets of normalizations.
  private static let fewest = 256

  /// Nil for what stays as it is.
  static func stored(_ tensor: Tensor) -> Tensor? {
    guard tensor.elementType == .float32, tensor.rank >= 2, tensor.count >= fewest else {
      return nil
    }
    let half = tensor.withElements(of: Float.self) { values in
      Tensor(shape: tensor.shape) { (target: UnsafeMutableBufferPointer<Float16>) in
        for index in values.indices { target[index] = Float16(values[index]) }
      }
    }
    return half.withElements(of: Float16.self) { $0.allSatisfy(\.isFinite) } ? half : nil
  }
}
