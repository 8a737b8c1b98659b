import GraphIR
import Tensors

extension PlanCompiler {
  /// Scale and zero point of an activation that a layer reads or gives, by the inputs that hold them.
  func parameters(of node: Node, scale: Int, zero: Int) throws -> QuantizedParameters {
    let scales = try constant(of: node, scale)
    let zeros = try constant(of: node, zero)
    guard scales.elementType == .float32, scales.count == 1, zeros.count == 1,
      let zeroPoint = zeros.integers()?.first
    else {
      throw IntegerError.parameters(
        node: node.label, problem: "activations take one scale and one zero point")
    }
    let scale = scales.elements(of: Float.self)[0]
    guard scale > 0, scale.isFinite else {
      throw IntegerError.parameters(
        node: node.label, problem: "a scale of \(scale) is not a positive number")
    }
    guard
      let parameters = QuantizedParameters(
        scale: scale, zeroPoint: zeroPoint, elementType: zeros.elementType)
    else {
      throw IntegerError.parameters(
        node: node.label, problem: "activations of type \(zeros.elementType) are not supported")
    }
    return parameters
  }

  func constant(of node: Node, _ index: Int) throws -> Tensor {
    guard let tensor = node.input(index).flatMap(constant) else {
      throw IntegerError.layer(node: node.label, problem: "input \(index) is missing")
    }
    return tensor
  }

  /// Where the matrices of a value lie, whatever moves lie before it: transposing costs nothing where
  /// the reader takes steps. `isDense`: the elements of a row have to lie side by side.
  func matrices(of value: ValueID, isDense: Bool = false) -> StridedMatrices {
    let shape = values[value].shape
    var best = StridedMatrices(value: value, shape: shape)
    var source = value
    var elements: [Int32]?
    while let move = lastMove(to: source) {
      let moved = move.parts[0].elements
      elements = elements.map { $0.map { moved[Int($0)] } } ?? moved
      source = move.parts[0].source
      guard let found = elements.flatMap({ StridedMatrices(value: source, shape: shape, $0) }),
        !isDense || found.columnStep == 1
      else { continue }
      best = found
    }
    best.value = rows(best.value)
    return best
  }

  /// The operation that fills a value with all the elements of another, or some, in other places.
  private func lastMove(to value: ValueID) -> MovementOperation? {
    let writer = operations.last { $0.writes.contains(value) }
    guard let move = writer as? MovementOperation, move.parts.count == 1, move.limits == 0...255,
      move.parts[0].elements.allSatisfy({ $0 >= 0 })
    else { return nil }
    return move
  }

  /// Drops what fills values that nobody reads.
  func removeUnread() {
    var read: Set<ValueID> = []
    var kept: [any Operation] = []
    for operation in operations.reversed()
    where operation.writes.isEmpty || operation.writes.contains(where: read.contains) {
      kept.append(operation)
      read.formUnion(operation.reads)
    }
    operations = kept.reversed()
  }
}
