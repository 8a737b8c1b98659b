import FloatRuntime
import GraphIR
import Tensors

/// QLinearMatMul and `tapq:IntegerGemm` of two values that are both computed: the products of an
/// attention.
struct ActivationProduct {
  private let node: Node
  private let compiler: PlanCompiler
  private let isFloat: Bool

  /// Nil for other nodes, and where the right-hand side's zero point is not in the middle of its type:
  /// sums would need a correction for each row. Those run in float.
  init?(_ node: Node, _ compiler: PlanCompiler) throws {
    self.node = node
    self.compiler = compiler
    isFloat = node.domain == "tapq" && node.op == "IntegerGemm"
    let parameters = [1, 2, 4, 5] + (isFloat ? [] : [6, 7])
    guard isFloat || node.isOperator("QLinearMatMul"), node.inputs.count == (isFloat ? 6 : 8),
      compiler.constant(node.inputs[3]) == nil,
      parameters.allSatisfy({ compiler.constant(node.inputs[$0]) != nil })
    else { return nil }
    let shapes = try [0, 3].map { try compiler.shape(of: node.inputs[$0]) }
    guard shapes.allSatisfy({ $0.count >= 2 }), compiler.constant(node.inputs[4])?.count == 1,
      let zero = compiler.constant(node.inputs[5]), zero.count == 1,
      zero.integers()?.first == (zero.elementType == .int8 ? 0 : 128)
    else { return nil }
  }

  func compile() throws {
    let left = try compiler.parameters(of: node, scale: 1, zero: 2)
    let right = try compiler.parameters(of: node, scale: 4, zero: 5)
    let operands = try [(0, left), (3, right)].map { index, parameters in
      try compiler.value(named: node.inputs[index], parameters, for: node)
    }
    let shapes = operands.map { compiler.values[$0].shape }
    let shape = try compiler.shape(of: node.identity)
    let (a, b) = (shapes[0], shapes[1])
    let batch = Array(shape.dropLast(2))
    let (rows, depth, columns) = (a[a.count - 2], a[a.count - 1], b[b.count - 1])
    guard b[b.count - 2] == depth, Array(shape.suffix(2)) == [rows, columns],
      let lefts = compiler.matrices(of: operands[0], isDense: true)
        .broadcast(a.dropLast(2), to: batch),
      let rights = compiler.matrices(of: operands[1]).broadcast(b.dropLast(2), to: batch)
    else {
      throw IntegerError.layer(node: node.label, problem: "shapes \(a) and \(b) do not fit")
    }
    guard depth * 255 * 128 <= Int(Int32.max) else {
      throw IntegerError.layer(
        node: node.label, problem: "sums of \(depth) products could overflow int32")
    }
    var multiplier = left.scale * right.scale
    let result: ProductOperation.Result
    if isFloat {
      result = .float(compiler.newSlot(node.identity), shape: shape)
    } else {
      let output = try compiler.parameters(of: node, scale: 6, zero: 7)
      multiplier /= output.scale
      let target = compiler.addValue(node.identity, shape: shape, output)
      compiler.quantized[node.identity] = target
      compiler.rowMajor.insert(target)
      result = .quantized(target, ResultRange(output))
    }
    compiler.add(
      ActivationProductOperation(
        name: node.name.isEmpty ? node.identity : node.name, left: lefts, right: rights,
        rows: rows, depth: depth, columns: columns, zero: left.zero, multiplier: multiplier,
        result: result, kernels: compiler.kernels))
  }
}
