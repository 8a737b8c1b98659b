import FloatRuntime
import GraphIR
import Tensors

/// A node `tapq:BlockedGemm`, of 8-bit or float activations.
struct BlockedLayer {
  private let node: Node
  private let compiler: PlanCompiler
  private let weight: Tensor
  private let scales: [Float]
  private let block: Int
  private let bias: [Float]

  /// Nil for other nodes, and where an operand that the kernel wants constant is not.
  init?(_ node: Node, _ compiler: PlanCompiler) throws {
    guard node.domain == "tapq", node.op == "BlockedGemm", let block = try node.int("block"),
      let weight = node.input(3).flatMap(compiler.constant), weight.elementType == .int8,
      let scales = node.input(4).flatMap(compiler.constant)
    else { return nil }
    var bias = [Float](repeating: 0, count: weight.shape[0])
    if let name = node.input(5) {
      guard let tensor = compiler.constant(name), tensor.elementType == .float32 else {
        return nil
      }
      bias = tensor.elements(of: Float.self)
    }
    self.node = node
    self.compiler = compiler
    self.weight = weight
    self.block = block
    self.bias = bias
    self.scales = scales.elements(of: Float.self)
  }

  func compile() throws {
    let (columns, depth) = (weight.shape[0], weight.shape[1])
    let input = try parameters()
    let source: BlockedProductOperation.Source
    let shape: [Int]
    if let input {
      let value = compiler.rows(try compiler.value(named: node.inputs[0], input, for: node))
      source = .quantized(value)
      shape = compiler.values[value].shape
    } else {
      source = .float(try compiler.slot(of: node.inputs[0]))
      shape = try compiler.shape(of: node.inputs[0])
    }
    guard shape.last == depth else {
      throw IntegerError.layer(
        node: node.label, problem: "input of shape \(shape) does not fit weight \(weight.shape)")
    }
    let rows = shape.dropLast().reduce(1, *)
    compiler.add(
      BlockedProductOperation(
        name: node.name.isEmpty ? node.identity : node.name, source: source,
        result: compiler.newSlot(node.identity), shape: shape.dropLast() + [columns], rows: rows,
        weights: BlockedWeights(
          integers: weight.elements(of: Int8.self), columns: columns, depth: depth, block: block,
          scales: input.map { x in scales.map { x.scale * $0 } } ?? scales, offsets: bias),
        integerMultiplications: input == nil ? 0 : rows * columns * depth))
  }

  /// Of quantized activations; nil for float ones.
  private func parameters() throws -> QuantizedParameters? {
    guard let scale = node.input(1).flatMap(compiler.constant),
      let zero = node.input(2).flatMap(compiler.constant)
    else { return nil }
    guard scale.elementType == .float32, scale.count == 1, zero.count == 1,
      let zeroPoint = zero.integers()?.first,
      let parameters = QuantizedParameters(
        scale: scale.elements(of: Float.self)[0], zeroPoint: zeroPoint,
        elementType: zero.elementType)
    else {
      throw IntegerError.parameters(
        node: node.label, problem: "activations take one scale and one zero point of 8 bits")
    }
    return parameters
  }
}
