import GraphIR
import Tensors
import TestSupport
import Testing

/// Small quantized graphs with random integers.
struct LayerBuilder {
  private var generator: SeededGenerator
  private(set) var graph = Graph(name: "layers")
  private var count = 0

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  var model: Model { Model(operatorSets: [OperatorSet(version: 21)], graph: graph) }

  mutating func integers(_ range: ClosedRange<Int>, _ count: Int) -> [Int] {
    (0..<count).map { _ in Int.random(in: range, using: &generator) }
  }

  mutating func scale() -> Float { Float.random(in: 0.01...0.1, using: &generator) }

  mutating func constant(_ tensor: Tensor) -> String {
    count += 1
    graph.initializers["c\(count)"] = tensor
    return "c\(count)"
  }

  mutating func constant(_ integers: [Int], _ type: ElementType, _ shape: [Int]) throws -> String {
    constant(try #require(Tensor(integers: integers, elementType: type, shape: shape)))
  }

  mutating func input(_ name: String, shape: [Int]) {
    graph.inputs.append(
      ValueInfo(name: name, type: .tensor(.float32, shape: shape.map { .fixed($0) })))
  }

  mutating func output(_ name: String) { graph.outputs.append(ValueInfo(name: name, type: nil)) }

  @discardableResult
  mutating func node(_ op: String, _ inputs: [String], _ attributes: [Attribute] = []) -> String {
    count += 1
    let output = "v\(count)"
    graph.nodes.append(
      Node(name: "n\(count)", op: op, inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  /// Scale and zero point of an activation.
  mutating func parameters(_ type: ElementType) throws -> [String] {
    let zero = type == .int8 ? integers(-20...20, 1) : integers(100...150, 1)
    return [constant(Tensor(scalar: scale())), try constant(zero, type, [])]
  }

  /// The value through a quantizer and back.
  mutating func requantized(_ value: String, _ type: ElementType = .uint8) throws -> String {
    let parameters = try parameters(type)
    return node("DequantizeLinear", [node("QuantizeLinear", [value] + parameters)] + parameters)
  }

  /// The real numbers of `count` samples of the input.
  mutating func samples(_ shape: [Int]) -> Tensor {
    let values = (0..<Tensor.count(of: shape)).map { _ in
      Float.random(in: -4...4, using: &generator)
    }
    return Tensor(values, shape: shape)
  }
}
