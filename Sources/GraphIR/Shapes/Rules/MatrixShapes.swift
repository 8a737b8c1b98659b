import Tensors

/// Matrix products.
enum MatrixShapes {
  static let rules: [String: ShapeRule] = [
    "Gemm": { [try gemm($0)] },
    "MatMul": { [try product($0, 0, 1, element: $0.element(0))] },
    "MatMulInteger": { [try product($0, 0, 1, element: .int32)] },
    "QLinearMatMul": { [try product($0, 0, 3, element: $0.element(7))] },
    "Det": { node in
      [InferredType(node.element(0), node.shape(0).map { Array($0.dropLast(2)) })]
    },
    "Einsum": { [try einsum($0)] },
  ]

  private static func gemm(_ node: InferenceNode) throws -> InferredType {
    guard var left = try node.shape(0, rank: 2), var right = try node.shape(1, rank: 2) else {
      return InferredType(node.element(0))
    }
    if try node.node.int("transA") ?? 0 != 0 { left.swapAt(0, 1) }
    if try node.node.int("transB") ?? 0 != 0 { right.swapAt(0, 1) }
    _ = try node.unify(left[1], right[0], "inner dimensions")
    let shape = [left[0], right[1]]
    if let bias = node.shape(2), let full = try node.broadcast([shape, bias]), full.count != 2 {
      throw node.mismatch("the bias \(bias.text) does not broadcast to \(shape.text)")
    }
    return InferredType(node.element(0), shape)
  }

  private static func product(
    _ node: InferenceNode, _ a: Int, _ b: Int, element: ElementType?
  ) throws -> InferredType {
    guard var left = node.shape(a), var right = node.shape(b) else {
      return InferredType(element)
    }
    guard !left.isEmpty, !right.isEmpty else { throw node.mismatch("takes no scalars") }
    let isRow = left.count == 1
    let isColumn = right.count == 1
    if isRow { left.insert(.fixed(1), at: 0) }
    if isColumn { right.append(.fixed(1)) }
    _ = try node.unify(
      left[left.count - 1], right[right.count - 2],
      "inner dimensions of \(left.text) and \(right.text)")
    var shape = try node.broadcast([Array(left.dropLast(2)), Array(right.dropLast(2))]) ?? []
    if !isRow { shape.append(left[left.count - 2]) }
    if !isColumn { shape.append(right[right.count - 1]) }
    return InferredType(element, shape)
  }

  private static func einsum(_ node: InferenceNode) throws -> InferredType {
    let unknown = InferredType(node.element(0))
    guard let equation = try node.node.string("equation")?.filter({ $0 != " " }) else {
      throw GraphError.attributeMissing(node: node.node.label, attribute: "equation")
    }
    // An ellipsis needs the ranks of all terms; its result is left open.
    guard !equation.contains(".") else { return unknown }
    let sides = equation.components(separatedBy: "->")
    let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == node.inputs.count else {
      throw node.mismatch("the equation has \(terms.count) terms for \(node.inputs.count) inputs")
    }
    var sizes: [Character: Dimension] = [:]
    var uses: [Character: Int] = [:]
    for (index, term) in terms.enumerated() {
      for letter in term { uses[letter, default: 0] += 1 }
      guard let shape = try node.shape(index, rank: term.count) else { return unknown }
      for (letter, size) in zip(term, shape) {
        sizes[letter] =
          try sizes[letter].map { try node.broadcast([[$0], [size]])?[0] ?? size } ?? size
      }
    }
    let result =
      sides.count > 1 ? Array(sides[1]) : uses.filter { $0.value == 1 }.keys.sorted()
    return InferredType(node.element(0), result.map { sizes[$0] ?? .unknown })
  }
}

extension String {
  /// The parts between occurrences of a non-empty separator.
  fileprivate func components(separatedBy separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let found = rest.firstRange(of: separator) {
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return parts + [String(rest)]
  }
}
