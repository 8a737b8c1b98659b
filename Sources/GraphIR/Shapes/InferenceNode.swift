import Tensors

/// A node with what is known of its inputs; what the rules of `ShapeRules` and `ValueRules` see.
struct InferenceNode {
  let node: Node
  let inputs: [InferredType?]
  let values: [PartialValue?]
  /// The scope of the node, for subgraphs.
  let scope: InferenceScope

  /// Larger sizes are refused as broken, so that sums of a few of them cannot overflow.
  static let largestSize = 1 << 48

  func mismatch(_ problem: String) -> GraphError {
    .shapeMismatch(node: node.label, problem: problem)
  }

  func type(_ index: Int) -> InferredType {
    index < inputs.count ? inputs[index] ?? .unknown : .unknown
  }

  func element(_ index: Int) -> ElementType? { type(index).element }
  func shape(_ index: Int) -> [Dimension]? { type(index).shape }
  func value(_ index: Int) -> PartialValue? { index < values.count ? values[index] : nil }
  func has(_ index: Int) -> Bool { node.input(index) != nil }

  /// The integers at an input; nil where it is omitted or not known in full.
  func integers(_ index: Int) -> [Int]? { value(index)?.integers }

  /// The shape of input `index`, which must have `rank` dimensions where it is known.
  func shape(_ index: Int, rank: Int) throws(GraphError) -> [Dimension]? {
    guard let shape = shape(index) else { return nil }
    guard shape.count == rank else {
      throw mismatch("input \(index) must have \(rank) dimensions, has shape \(shape.text)")
    }
    return shape
  }

  /// An axis counted from the front; negative ones count from the back.
  func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw mismatch("axis \(axis) is out of range for \(rank) dimensions")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Distinct axes counted from the front.
  func axes(_ axes: [Int], rank: Int) throws(GraphError) -> [Int] {
    var result: [Int] = []
    for value in axes {
      let axis = try axis(value, rank: rank)
      guard !result.contains(axis) else { throw mismatch("axis \(value) is listed twice") }
      result.append(axis)
    }
    return result
  }

  /// An integer list attribute whose entries are small enough to compute with.
  func sizes(_ name: String) throws(GraphError) -> [Int]? {
    guard let list = try node.ints(name) else { return nil }
    guard list.allSatisfy({ $0 >= -(1 << 31) && $0 <= 1 << 31 }) else {
      throw .attributeValue(node: node.label, attribute: name, problem: "is out of range")
    }
    return list
  }

  /// A size that arithmetic gave; throws where it is negative or absurdly large.
  func checked(_ size: Int) throws(GraphError) -> Dimension {
    guard size >= 0, size <= InferenceNode.largestSize else {
      throw mismatch("a dimension of the result would be \(size)")
    }
    return .fixed(size)
  }

  func product(_ left: Dimension, _ right: Dimension) throws(GraphError) -> Dimension {
    if left == .fixed(1) { return right }
    if right == .fixed(1) { return left }
    if left == .fixed(0) || right == .fixed(0) { return .fixed(0) }
    guard let a = left.size, let b = right.size else { return .unknown }
    let (result, overflow) = a.multipliedReportingOverflow(by: b)
    return try checked(overflow ? -1 : result)
  }

  func sum(_ left: Dimension, _ right: Dimension) throws(GraphError) -> Dimension {
    if left == .fixed(0) { return right }
    if right == .fixed(0) { return left }
    guard let a = left.size, let b = right.size else { return .unknown }
    return try checked(a + b)
  }

  /// Two dimensions that must be equal: the more exact of them.
  func unify(_ left: Dimension, _ right: Dimension, _ what: String) throws(GraphError) -> Dimension
  {
    if let a = left.size, let b = right.size, a != b {
      throw mismatch("\(what): \(a) and \(b) differ")
    }
    if left.size != nil { return left }
    if right.size != nil { return right }
    return left == .unknown ? right : left
  }

  /// The shape that the inputs broadcast to; nil where one is not known.
  func broadcast(_ shapes: [[Dimension]?]) throws(GraphError) -> [Dimension]? {
    var result: [Dimension] = []
    for shape in shapes {
      guard let shape else { return nil }
      result = try broadcast(result, shape)
    }
    return result
  }

  private func broadcast(
    _ left: [Dimension], _ right: [Dimension]
  ) throws(GraphError) -> [Dimension] {
    let rank = max(left.count, right.count)
    var result: [Dimension] = []
    for axis in 0..<rank {
      let i = axis - (rank - left.count)
      let j = axis - (rank - right.count)
      let a = i < 0 ? .fixed(1) : left[i]
      let b = j < 0 ? .fixed(1) : right[j]
      switch (a, b) {
      case (.fixed(1), _): result.append(b)
      case (_, .fixed(1)): result.append(a)
      case (.fixed(let x), .fixed(let y)):
        guard x == y else {
          throw mismatch("shapes \(left.text) and \(right.text) do not broadcast")
        }
        result.append(a)
      case (.fixed, _): result.append(a)
      case (_, .fixed): result.append(b)
      default: result.append(a == b ? a : .unknown)
      }
    }
    return result
  }
}
