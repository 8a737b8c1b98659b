import GraphIR
import Tensors

/// A `Clip` of an 8-bit value with constant limits: what makes an activation narrower than its type.
///
/// It becomes the limits of the step that computes the value, where nobody else reads that; else a
/// step of its own.
struct IntegerClip {
  private let node: Node
  private let compiler: PlanCompiler
  private let source: ValueID
  private let limits: ClosedRange<UInt8>

  /// Nil for other nodes.
  init?(_ node: Node, _ compiler: PlanCompiler) {
    guard node.isOperator("Clip"), let input = node.input(0), let source = compiler.quantized[input]
    else { return nil }
    let isSigned = compiler.values[source].parameters.isSigned
    var ends = [0, 255]
    for index in 1...2 {
      guard let name = node.input(index) else { continue }
      guard let bound = compiler.constant(name), bound.count == 1,
        bound.elementType == (isSigned ? .int8 : .uint8), let integer = bound.integers()?.first
      else { return nil }
      ends[index - 1] = isSigned ? integer + 128 : integer
    }
    guard let low = UInt8(exactly: ends[0]), let high = UInt8(exactly: ends[1]), low <= high else {
      return nil
    }
    self.node = node
    self.compiler = compiler
    self.source = source
    limits = low...high
  }

  func compile() throws {
    let value = compiler.values[source]
    let isWithin =
      limits.contains(value.integers.lowerBound) && limits.contains(value.integers.upperBound)
    if isWithin || fold() {
      compiler.quantized[node.identity] = source
      return
    }
    let target = compiler.addValue(
      node.identity, shape: value.shape, value.parameters, fill: value.fill)
    compiler.values[target].integers = value.integers.clamped(to: limits)
    compiler.add(
      LookupOperation(
        name: node.name.isEmpty ? node.identity : node.name, source: compiler.anyForm(source),
        target: target, table: (0...UInt8.max).map { $0.clamped(to: limits) }
      ))
    compiler.quantized[node.identity] = target
  }

  private func fold() -> Bool {
    guard let input = node.input(0), compiler.onlyReader(of: input) != nil,
      // The same value may go by another name.
      compiler.quantized.count(where: { $0.value == source }) == 1,
      !compiler.dequantized.values.contains(source),
      let step = compiler.operations.lastIndex(where: { $0.writes.contains(source) }),
      let limited = compiler.operations[step].limited(to: limits)
    else { return false }
    compiler.operations[step] = limited
    compiler.values[source].integers = compiler.values[source].integers.clamped(to: limits)
    return true
  }
}
