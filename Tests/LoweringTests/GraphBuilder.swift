import GraphIR
import OrderedCollections
import Tensors

/// Writes down small networks for the tests.
struct GraphBuilder {
  private(set) var model: Model

  init(opset: Int = 13, inputs: [(String, [Int])]) {
    model = Model(
      operatorSets: [OperatorSet(version: opset)],
      graph: Graph(
        name: "test",
        inputs: inputs.map { name, shape in
          ValueInfo(name: name, type: .tensor(.float32, shape: shape.map { .fixed($0) }))
        }))
  }

  @discardableResult
  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    model.graph.initializers[name] = tensor
    return name
  }

  /// Values that look random and repeat in every run.
  @discardableResult
  mutating func weight(_ name: String, _ shape: [Int], scale: Float = 0.2) -> String {
    var state = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let values = (0..<Tensor.count(of: shape)).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return (Float(state >> 8) / Float(1 << 24) - 0.5) * 2 * scale
    }
    return constant(name, Tensor(values, shape: shape))
  }

  @discardableResult
  mutating func node(
    _ op: String, _ inputs: [String], name: String? = nil, to output: String,
    _ attributes: [String: AttributeValue] = [:]
  ) -> String {
    nodes(op, inputs, name: name, to: [output], attributes)
    return output
  }

  mutating func nodes(
    _ op: String, _ inputs: [String], name: String? = nil, to outputs: [String],
    _ attributes: [String: AttributeValue] = [:]
  ) {
    model.graph.nodes.append(
      Node(
        name: name ?? outputs[0] + ".node", op: op, inputs: inputs, outputs: outputs,
        attributes: attributes.sorted { $0.key < $1.key }.map { Attribute($0.key, $0.value) }))
  }

  @discardableResult
  mutating func conv(
    _ input: String, _ channels: (Int, Int), kernel: Int = 3, group: Int = 1, to output: String
  ) -> String {
    let weight = weight(output + ".w", [channels.1, channels.0 / group, kernel, kernel])
    let bias = self.weight(output + ".b", [channels.1])
    return node(
      "Conv", [input, weight, bias], to: output,
      [
        "group": .int(group), "kernel_shape": .ints([kernel, kernel]),
        "pads": .ints([kernel / 2, kernel / 2, kernel / 2, kernel / 2]),
      ])
  }

  mutating func output(_ name: String) {
    model.graph.outputs.append(ValueInfo(name: name, type: .tensor(.float32, shape: nil)))
  }
}
