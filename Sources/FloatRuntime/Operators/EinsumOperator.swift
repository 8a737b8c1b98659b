import GraphIR
import Tensors

/// Einsum with any number of operands, repeated labels and ellipses.
enum EinsumOperator {
  static let definitions: [OperatorDefinition] = [
    .tensors("Einsum") { node in
      guard let text = try node.string("equation") else {
        throw GraphError.attributeMissing(node: node.label, attribute: "equation")
      }
      let equation = try EinsumEquation(text, node: node)
      return { inputs, _ in
        let operands = try (0..<inputs.count).map { try inputs.tensor($0) }
        guard let type = operands.first?.elementType,
          operands.allSatisfy({ $0.elementType == type })
        else { throw inputs.failure("takes one or more tensors of one type") }
        let terms = try equation.resolve(ranks: operands.map(\.rank), inputs)
        let factors = try zip(operands, terms.inputs).map {
          try EinsumFactor(inputs.widened($0), labels: $1, inputs)
        }
        let wide = try contract(factors, to: terms.output, inputs)
        return [wide.narrowed(to: type)]
      }
    }
  ]

  /// Contracts from left to right, summing labels as soon as no later factor needs them.
  private static func contract(
    _ factors: [EinsumFactor], to output: [Int], _ inputs: OperatorInputs
  ) throws -> Tensor {
    var result = factors[0]
    if factors.count == 1 {
      return try result.product(EinsumFactor.one(like: result), output, inputs)
    }
    for index in 1..<factors.count {
      let needed = Set(factors[(index + 1)...].flatMap(\.labels) + output)
      let last = index == factors.count - 1
      let kept =
        last
        ? output
        : (result.labels + factors[index].labels).reduce(into: [Int]()) { list, label in
          if needed.contains(label), !list.contains(label) { list.append(label) }
        }
      let tensor = try result.product(factors[index], kept, inputs)
      result = try EinsumFactor(tensor, labels: kept, inputs)
    }
    return result.tensor
  }
}

/// The labels of an equation; the axes that an ellipsis stands for are numbered from the right as
/// -1, -2, ...
struct EinsumEquation: Sendable {
  private enum Symbol: Hashable { case label(Int), ellipsis }
  private let inputs: [[Symbol]]
  private let output: [Symbol]?

  init(_ text: String, node: Node) throws {
    let compact = text.filter { $0 != " " }
    let sides = compact.split(separator: "->", omittingEmptySubsequences: false).map(String.init)
    func parse(_ term: String) throws -> [Symbol] {
      var symbols: [Symbol] = []
      var rest = Substring(term)
      while let character = rest.first {
        if rest.hasPrefix("..."), !symbols.contains(.ellipsis) {
          symbols.append(.ellipsis)
          rest = rest.dropFirst(3)
        } else if character.isASCII, character.isLetter, let code = character.asciiValue {
          symbols.append(.label(Int(code)))
          rest = rest.dropFirst()
        } else {
          throw node.failure("equation '\(text)' is malformed at '\(rest)'")
        }
      }
      return symbols
    }
    guard sides.count <= 2 else { throw node.failure("equation '\(text)' has two arrows") }
    inputs = try sides[0].split(separator: ",", omittingEmptySubsequences: false).map {
      try parse(String($0))
    }
    output = try sides.count == 2 ? parse(sides[1]) : nil
    let known = Set(inputs.joined())
    if let output {
      guard Set(output).count == output.count,
        output.allSatisfy({ $0 == .ellipsis || known.contains($0) })
      else { throw node.failure("equation '\(text)' has unknown or repeated output labels") }
    }
  }

  /// The labels of each operand's axes and of the result's.
  func resolve(ranks: [Int], _ context: OperatorInputs) throws -> (inputs: [[Int]], output: [Int]) {
    guard ranks.count == inputs.count else {
      throw context.failure("the equation has \(inputs.count) terms for \(ranks.count) inputs")
    }
    var widest = 0
    let terms = try zip(inputs, ranks).map { symbols, rank -> [Int] in
      let hidden = rank - symbols.count { $0 != .ellipsis }
      guard hidden >= 0, hidden == 0 || symbols.contains(.ellipsis) else {
        throw context.failure("a term of the equation does not fit an input of rank \(rank)")
      }
      widest = max(widest, hidden)
      return expand(symbols, hidden: hidden)
    }
    if let output { return (terms, expand(output, hidden: widest)) }
    var counts: [Int: Int] = [:]
    for label in terms.joined() { counts[label, default: 0] += 1 }
    let single = counts.filter { $0.key > 0 && $0.value == 1 }.map(\.key).sorted()
    return (terms, expand([.ellipsis], hidden: widest) + single)
  }

  private func expand(_ symbols: [Symbol], hidden: Int) -> [Int] {
    symbols.flatMap { symbol -> [Int] in
      switch symbol {
      case .label(let label): [label]
      case .ellipsis: (0..<hidden).map { $0 - hidden }
      }
    }
  }
}

/// A tensor of a compute type whose axes carry distinct labels.
struct EinsumFactor {
  let tensor: Tensor
  let labels: [Int]
  /// Step in elements along each label.
  let steps: [Int: Int]
  let sizes: [Int: Int]

  /// Repeated labels select the diagonal.
  init(_ tensor: Tensor, labels: [Int], _ inputs: OperatorInputs) throws {
    self.tensor = tensor
    self.labels = labels
    var (steps, sizes): ([Int: Int], [Int: Int]) = ([:], [:])
    var step = 1
    for (axis, label) in labels.enumerated().reversed() {
      if let size = sizes[label], size != tensor.shape[axis] {
        throw inputs.failure("a repeated label has sizes \(size) and \(tensor.shape[axis])")
      }
      sizes[label] = tensor.shape[axis]
      steps[label, default: 0] += step
      step *= tensor.shape[axis]
    }
    self.steps = steps
    self.sizes = sizes
  }

  private init(scalar: Tensor) {
    tensor = scalar
    labels = []
    steps = [:]
    sizes = [:]
  }

  /// The scalar one in the factor's type.
  static func one(like factor: EinsumFactor) -> EinsumFactor {
    EinsumFactor(scalar: Tensor(scalar: Int64(1)).narrowed(to: factor.tensor.elementType))
  }

  /// Sums the product over all labels but `output`.
  func product(_ other: EinsumFactor, _ output: [Int], _ inputs: OperatorInputs) throws -> Tensor {
    var extents: [Int: Int] = sizes
    for (label, size) in other.sizes {
      let known = extents[label] ?? 1
      guard known == size || known == 1 || size == 1 else {
        throw inputs.failure("a label has sizes \(known) and \(size)")
      }
      extents[label] = known == 1 ? size : known
    }
    let summed = extents.keys.filter { !output.contains($0) }.sorted()
    let order = output + summed
    let shape = output.map { extents[$0] ?? 1 }
    try inputs.checkedCount(shape, .float64)
    let walk = order.map { label in
      EinsumAxis(
        size: extents[label] ?? 1, left: sizes[label] == 1 ? 0 : steps[label] ?? 0,
        right: other.sizes[label] == 1 ? 0 : other.steps[label] ?? 0)
    }
    let (outer, inner) = (Array(walk[..<output.count]), Array(walk[output.count...]))
    switch tensor.elementType {
    case .float32: return sum(other, outer, inner, shape, of: Float.self)
    case .float64: return sum(other, outer, inner, shape, of: Double.self)
    case .uint64: return sum(other, outer, inner, shape, of: UInt64.self)
    default: return sum(other, outer, inner, shape, of: Int64.self)
    }
  }

  private func sum<T: ComputeElement>(
    _ other: EinsumFactor, _ outer: [EinsumAxis], _ inner: [EinsumAxis], _ shape: [Int], of: T.Type
  ) -> Tensor {
    tensor.withElements(of: T.self) { left in
      other.tensor.withElements(of: T.self) { right in
        Tensor(shape: shape) { (out: UnsafeMutableBufferPointer<T>) in
          var next = 0
          EinsumAxis.walk(outer[...], 0, 0) { i, j in
            var total = T.zero
            EinsumAxis.walk(inner[...], i, j) { k, l in
              total = .plus(total, .times(left[k], right[l]))
            }
            out[next] = total
            next += 1
          }
        }
      }
    }
  }
}

/// One loop of a contraction: its length and the steps of both factors.
struct EinsumAxis {
  let size: Int
  let left: Int
  let right: Int

  static func walk(
    _ axes: ArraySlice<EinsumAxis>, _ left: Int, _ right: Int, _ body: (Int, Int) -> Void
  ) {
    guard let axis = axes.first else { return body(left, right) }
    let rest = axes.dropFirst()
    for index in 0..<axis.size {
      let (i, j) = (left + index * axis.left, right + index * axis.right)
      if rest.isEmpty { body(i, j) } else { walk(rest, i, j, body) }
    }
  }
}
