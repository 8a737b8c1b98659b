import FloatRuntime
import GraphIR
import Tensors

/// What computes the input of a QuantizeLinear from dequantized values, where integers can do it.
struct IntegerPattern {
  let value: String
  let output: QuantizedParameters
  let compiler: PlanCompiler

  init(_ value: String, _ output: QuantizedParameters, _ compiler: PlanCompiler) {
    self.value = value
    self.output = output
    self.compiler = compiler
  }

  /// The quantized result; nil where the input has to be computed in float.
  func compile() throws -> ValueID? {
    if let source = compiler.dequantized[value] {
      return compiler.values[source].parameters == output ? source : try table(name: value)
    }
    if let moved = try movement() { return moved }
    if let looked = try table(name: value) { return looked }
    let (base, clamp) = try withoutClamps()
    guard let node = compiler.producer(of: base), node.domain.isEmpty else { return nil }
    switch node.op {
    case "Add": return try combine(node, .add, clamp)
    case "Mul": return try combine(node, .multiply, clamp)
    case "MaxPool": return clamp == RealClamp() ? try maxPool(node) : nil
    case "Concat": return clamp == RealClamp() ? try concatenate(node) : nil
    default: return nil
    }
  }

  private func label(_ node: Node) -> String { node.name.isEmpty ? node.identity : node.name }

  private func newValue() throws -> ValueID {
    compiler.addValue(value, shape: try compiler.shape(of: value), output)
  }

  /// The value before the Relu and Clip nodes that end in this one, and what they leave of it.
  private func withoutClamps() throws -> (String, RealClamp) {
    var clamp = RealClamp()
    var name = value
    while let node = compiler.producer(of: name), let own = try RealClamp(node, compiler),
      let input = node.input(0)
    {
      clamp.low = max(min(clamp.low, own.high), own.low)
      clamp.high = min(max(clamp.high, own.low), own.high)
      name = input
    }
    return (name, clamp)
  }

  // MARK: Arithmetic

  private func combine(
    _ node: Node, _ kind: CombineOperation.Kind, _ clamp: RealClamp
  ) throws -> ValueID? {
    guard let left = node.input(0).flatMap({ compiler.dequantized[$0] }),
      let right = node.input(1).flatMap({ compiler.dequantized[$0] }),
      compiler.values[left].shape == compiler.values[right].shape
    else { return nil }
    let target = try newValue()
    compiler.add(
      CombineOperation(
        name: label(node), kind: kind, left: compiler.anyForm(left),
        right: compiler.anyForm(right), target: target,
        range: ResultRange(output, clamp: clamp)))
    return target
  }

  private func maxPool(_ node: Node) throws -> ValueID? {
    guard node.output(1) == nil, let source = node.input(0).flatMap({ compiler.dequantized[$0] }),
      compiler.values[source].parameters == output,
      (3...4).contains(compiler.values[source].shape.count),
      try node.int("storage_order") ?? 0 == 0
    else { return nil }
    let shape = compiler.values[source].shape
    guard let window = try? ConvolutionWindow(node, input: shape, kernel: nil) else { return nil }
    // Padding must not win: it holds the least integer.
    let padded = window.halo != Halo() && compiler.values[source].fill != 0
    let image = compiler.image(padded ? compiler.copy(source, fill: 0) : source)
    let target = try newValue()
    compiler.values[target].integers = compiler.values[source].integers
    compiler.planar.insert(target)
    compiler.add(
      MaxPoolOperation(name: label(node), source: image, target: target, window: window))
    return target
  }

  // MARK: Movement

  private static let movers: Set = [
    "Reshape", "Flatten", "Transpose", "Slice", "Split", "Squeeze", "Unsqueeze", "Gather", "Pad",
    "Expand", "Tile", "Identity", "DepthToSpace", "SpaceToDepth", "Resize",
  ]

  /// Nodes that only move what they read: they are run once, on the places of the elements.
  private func movement() throws -> ValueID? {
    var chain: [Node] = []
    var name = value
    while compiler.dequantized[name] == nil {
      guard let node = compiler.producer(of: name), node.domain.isEmpty,
        IntegerPattern.movers.contains(node.op), let input = node.input(0),
        node.inputs.dropFirst().allSatisfy({ $0.isEmpty || compiler.constant($0) != nil }),
        try movesOnly(node)
      else { return nil }
      chain.append(node)
      name = input
    }
    guard let source = compiler.dequantized[name], let last = chain.first,
      compiler.values[source].parameters == output,
      let elements = places(chain.reversed(), from: name, shape: compiler.values[source].shape)
    else { return nil }
    let target = try newValue()
    // Padding holds the zero point.
    let integers = compiler.values[source].integers
    compiler.values[target].integers =
      min(integers.lowerBound, output.zero)...max(integers.upperBound, output.zero)
    compiler.add(
      MovementOperation(
        name: label(last), target: target,
        parts: [MovementOperation.Part(source: source, elements: elements)]))
    return target
  }

  private func movesOnly(_ node: Node) throws -> Bool {
    switch node.op {
    case "Resize": return try node.string("mode") ?? "nearest" == "nearest"
    case "Pad":
      guard try node.string("mode") ?? "constant" == "constant" else { return true }
      guard let name = node.input(2), let fill = compiler.constant(name) else { return true }
      return fill.elementType == .float32 && fill.elements(of: Float.self).allSatisfy { $0 == 0 }
    default: return true
    }
  }

  /// For each element of the result the element of the source that it is.
  private func places(_ chain: [Node], from source: String, shape: [Int]) -> [Int32]? {
    var graph = Graph(name: "places")
    let fill = "tapq:fill"
    graph.initializers[fill] = Tensor(scalar: MovementOperation.fill)
    graph.nodes = chain.map { node in
      var node = node
      if node.op == "Pad", (try? node.string("mode")) ?? "constant" == "constant" {
        while node.inputs.count < 3 { node.inputs.append("") }
        node.inputs[2] = fill
      }
      return node
    }
    for name in graph.nodes.flatMap({ $0.inputs }) where !name.isEmpty {
      if let constant = compiler.constant(name) { graph.initializers[name] = constant }
    }
    graph.inputs = [
      ValueInfo(name: source, type: .tensor(.int32, shape: shape.map { .fixed($0) }))
    ]
    graph.outputs = [ValueInfo(name: value, type: nil)]
    let model = Model(
      operatorSets: [OperatorSet(version: OpsetUpgrade.latest)], graph: graph)
    let count = Tensor.count(of: shape)
    guard count < Int(Int32.max) else { return nil }
    let indices = Tensor((0..<count).map { Int32($0) }, shape: shape)
    // What the float engine does not move as integers stays in float.
    guard let engine = try? FloatEngine(model: model, pool: compiler.pool),
      case .tensor(let moved)? = (try? engine.run([source: .tensor(indices)]))?[value],
      moved.elementType == .int32
    else { return nil }
    return moved.elements(of: Int32.self)
  }

  private func concatenate(_ node: Node) throws -> ValueID? {
    let sources = node.inputs.compactMap { compiler.dequantized[$0] }
    guard sources.count == node.inputs.count, let first = sources.first else { return nil }
    let rank = compiler.values[first].shape.count
    let given = try node.int("axis") ?? 0
    let axis = given < 0 ? given + rank : given
    let shape = try compiler.shape(of: value)
    guard axis >= 0, axis < rank, shape.count == rank else { return nil }
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    var start = 0
    var parts: [MovementOperation.Part] = []
    for source in sources {
      let own = compiler.values[source].shape[axis]
      var elements = [Int32](
        repeating: MovementOperation.other, count: Tensor.count(of: shape))
      for block in 0..<outer {
        let from = block * own * inner
        let to = (block * shape[axis] + start) * inner
        for index in 0..<own * inner { elements[to + index] = Int32(from + index) }
      }
      start += own
      parts.append(.init(source: try rescaled(source, node), elements: elements))
    }
    let target = try newValue()
    let integers = parts.map { compiler.values[$0.source].integers }
    compiler.values[target].integers =
      (integers.map(\.lowerBound).min() ?? 0)...(integers.map(\.upperBound).max() ?? 255)
    compiler.add(MovementOperation(name: label(node), target: target, parts: parts))
    return target
  }

  /// The value with the parameters of the result.
  private func rescaled(_ source: ValueID, _ node: Node) throws -> ValueID {
    let value = compiler.values[source]
    guard value.parameters != output else { return source }
    let target = compiler.addValue(value.name, shape: value.shape, output)
    let table = (0...255).map { output.quantized(value.parameters.real(UInt8($0))) }
    compiler.values[target].integers =
      table[Int(value.integers.lowerBound)]...table[Int(value.integers.upperBound)]
    compiler.add(
      LookupOperation(
        name: label(node), source: compiler.anyForm(source), target: target, table: table))
    return target
  }

  // MARK: Tables

  private static let functions: Set = [
    "Relu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu", "Elu", "Selu",
    "Celu", "Softplus", "Softsign", "Gelu", "Erf", "Mish", "Exp", "Log", "Abs", "Neg", "Sqrt",
    "Reciprocal", "ThresholdedRelu", "Floor", "Ceil", "Round", "Sin", "Cos", "Add", "Sub", "Mul",
    "Div", "Min", "Max", "Pow",
  ]

  /// Functions of one value, element by element, as a table of their 256 results.
  private func table(name: String) throws -> ValueID? {
    var members: Set<String> = []
    var nodes: [Node] = []
    var source: String?
    var pending = [value]
    while let next = pending.popLast() {
      if compiler.dequantized[next] != nil {
        guard source == nil || source == next else { return nil }
        source = next
      } else if let constant = compiler.constant(next) {
        guard constant.count == 1 else { return nil }
      } else {
        guard let node = compiler.producer(of: next), node.domain.isEmpty,
          IntegerPattern.functions.contains(node.op), nodes.count < 32
        else { return nil }
        if members.insert(node.identity).inserted {
          nodes.append(node)
          pending += node.inputs.filter { !$0.isEmpty }
        }
      }
    }
    guard let source, let id = compiler.dequantized[source] else { return nil }
    let input = compiler.values[id]
    let reals = (0...255).map { input.parameters.real(UInt8($0)) }
    let results = nodes.isEmpty ? reals : evaluate(nodes, source: source, on: reals)
    guard let results, try compiler.shape(of: value) == input.shape else { return nil }
    let target = try newValue()
    compiler.add(
      LookupOperation(
        name: nodes.first.map(label) ?? value, source: compiler.anyForm(id), target: target,
        table: results.map(output.quantized)))
    return target
  }

  private func evaluate(_ nodes: [Node], source: String, on reals: [Float]) -> [Float]? {
    var graph = Graph(name: "table")
    graph.nodes = nodes.sorted {
      (compiler.producers[$0.identity] ?? 0) < (compiler.producers[$1.identity] ?? 0)
    }
    for name in nodes.flatMap(\.inputs) where !name.isEmpty {
      if let constant = compiler.constant(name) { graph.initializers[name] = constant }
    }
    graph.inputs = [ValueInfo(name: source, type: .tensor(.float32, shape: [.fixed(256)]))]
    graph.outputs = [ValueInfo(name: value, type: nil)]
    let model = Model(operatorSets: [OperatorSet(version: OpsetUpgrade.latest)], graph: graph)
    guard let engine = try? FloatEngine(model: model, pool: compiler.pool),
      case .tensor(let result)? =
        (try? engine.run([
          source: .tensor(Tensor(reals, shape: [256]))
        ]))?[value], result.elementType == .float32, result.count == 256
    else { return nil }
    return result.elements(of: Float.self)
  }
}

extension QuantizedParameters {
  /// What an integer stands for.
  func real(_ integer: UInt8) -> Float { Float(Int(integer) - Int(zero)) * scale }
}

extension RealClamp {
  /// What a Relu, or a Clip with constant limits, leaves; nil for other nodes.
  init?(_ node: Node, _ compiler: PlanCompiler) throws {
    if node.isOperator("Relu") {
      self.init(low: 0)
      return
    }
    guard node.isOperator("Clip") else { return nil }
    self.init()
    for (index, end) in [(1, \RealClamp.low), (2, \RealClamp.high)] {
      guard let name = node.input(index) else { continue }
      guard let bound = compiler.constant(name), bound.elementType == .float32, bound.count == 1
      else { return nil }
      self[keyPath: end] = bound.elements(of: Float.self)[0]
    }
    guard low <= high else { return nil }
  }
}
