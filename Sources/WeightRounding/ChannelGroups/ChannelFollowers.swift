import GraphIR
import Tensors

/// The constants that have an entry for each output channel of a layer: with all of them put into another
/// order, the network computes what it did.
struct ChannelFollowers {
  typealias Constant = (initializer: String, axis: Int)

  /// Weight and bias of the layer, and constants of what works on each channel by itself behind it.
  var constants: [Constant]
  /// Those of them that channels are multiplied by, weights of depthwise layers too.
  var factors: [Constant] = []
  /// Those that channels are divided by.
  var divisors: [Constant] = []
  /// Weights of the layers that mix the channels, with the axis of their inputs.
  var readers: [Constant] = []
}

/// Follows the output channels of layers through a graph.
struct ChannelFollowerFinder {
  /// Where the channels of a value lie.
  private enum Layout: Equatable {
    /// On the second axis of so many.
    case second(rank: Int)
    /// On the second axis, the ones behind it of one place each.
    case pooled
    case last
  }

  private enum Step {
    /// The channels come out again.
    case onward(Layout)
    /// A layer reads them all.
    case read
    case blocked
  }

  private let graph: Graph
  private var readers: [String: [Node]] = [:]
  /// Readers of each name, graph outputs and subgraphs included.
  private var readCounts: [String: Int] = [:]

  /// What works on each element by itself.
  private static let elementwise: Set = [
    "Relu", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Selu", "Softplus",
    "Softsign", "Mish", "Gelu", "Erf", "Exp", "Abs", "Neg", "Sqrt", "Clip", "Identity", "Dropout",
  ]
  private static let pairwise: Set = ["Add", "Sub", "Mul", "Div"]

  init(_ graph: Graph) {
    self.graph = graph
    for node in graph.nodes {
      var names: Set<String> = []
      node.collectReads(into: &names)
      for name in names { readCounts[name, default: 0] += 1 }
      for name in Set(node.inputs) where !name.isEmpty { readers[name, default: []].append(node) }
    }
    for output in graph.outputs { readCounts[output.name, default: 0] += 1 }
  }

  /// Nil where something else than layers gets to see the channels' order.
  func followers(of layer: RoundingLayer) throws(GraphError) -> ChannelFollowers? {
    guard let node = readers[layer.weight]?.first, node.input(1) == layer.weight,
      isOwn(layer.weight), layer.observed.group == 1
    else { return nil }
    var found = ChannelFollowers(constants: [(layer.weight, layer.rows.axis)])
    if let bias = node.input(2) {
      guard let constant = ownConstant(bias, channels: layer.rows.count, fromEnd: 1) else {
        return nil
      }
      found.constants.append(constant)
    }
    var layouts: [String: Layout] = [
      node.identity: node.op == "Conv" ? .second(rank: layer.rows.shape.count) : .last
    ]
    var waiting = [node.identity]
    // Values that an elementwise node combines with these: they must turn out to be such themselves.
    var partners: Set<String> = []
    while let value = waiting.popLast(), let layout = layouts[value] {
      let nodes = readers[value] ?? []
      guard nodes.count == readCounts[value] else { return nil }
      for reader in nodes {
        switch try follow(
          value, layout, into: reader, channels: layer.rows.count, &found, &partners)
        {
        case .blocked: return nil
        case .read: break
        case .onward(let next):
          guard layouts.updateValue(next, forKey: reader.identity) == nil else { break }
          waiting.append(reader.identity)
        }
      }
    }
    return found.readers.isEmpty || !partners.isSubset(of: Set(layouts.keys)) ? nil : found
  }

  /// What a reader of the value does with the channels.
  private func follow(
    _ value: String, _ layout: Layout, into node: Node, channels: Int,
    _ found: inout ChannelFollowers, _ partners: inout Set<String>
  ) throws(GraphError) -> Step {
    guard node.domain.isEmpty, node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
      return .blocked
    }
    switch node.op {
    case "Conv" where node.input(0) == value:
      return try convolution(node, layout, channels: channels, &found)
    case "Gemm", "MatMul":
      guard node.input(0) == value, layout == .last, let weight = node.input(1), isOwn(weight),
        let shape = graph.initializers[weight]?.shape, shape.count == 2,
        try node.int("transA") ?? 0 == 0
      else { return .blocked }
      let axis = try node.int("transB") ?? 0 == 0 ? 0 : 1
      guard shape[axis] == channels else { return .blocked }
      found.readers.append((weight, axis))
      return .read
    case let op where Self.elementwise.contains(op):
      let settings = node.inputs.dropFirst().filter { !$0.isEmpty }
      return node.input(0) == value && settings.allSatisfy { graph.initializers[$0]?.count == 1 }
        ? .onward(layout) : .blocked
    case let op where Self.pairwise.contains(op):
      guard let other = node.inputs.first(where: { $0 != value }) else { return .onward(layout) }
      guard op != "Div" || node.input(0) == value || graph.initializers[other] == nil else {
        return .blocked
      }
      guard let constant = graph.initializers[other] else {
        partners.insert(other)
        return .onward(layout)
      }
      if constant.count == 1 { return .onward(layout) }
      let place =
        switch layout {
        case .second(let rank): rank - 1
        case .last: 1
        case .pooled: 0
        }
      guard let constant = ownConstant(other, channels: channels, fromEnd: place) else {
        return .blocked
      }
      found.constants.append(constant)
      if op == "Mul" { found.factors.append(constant) }
      if op == "Div" { found.divisors.append(constant) }
      return .onward(layout)
    case "MaxPool", "AveragePool":
      return layout == .last ? .blocked : .onward(layout)
    case "GlobalAveragePool", "GlobalMaxPool":
      return layout == .last ? .blocked : .onward(.pooled)
    case "Flatten", "Reshape", "Squeeze":
      return node.input(0) == value && layout == .pooled ? .onward(.last) : .blocked
    default: return .blocked
    }
  }

  private func convolution(
    _ node: Node, _ layout: Layout, channels: Int, _ found: inout ChannelFollowers
  ) throws(GraphError) -> Step {
    guard layout != .last, let weight = node.input(1), isOwn(weight),
      let shape = graph.initializers[weight]?.shape, shape.count > 2
    else { return .blocked }
    let groups = try node.int("group") ?? 1
    if groups == 1 {
      guard shape[1] == channels else { return .blocked }
      found.readers.append((weight, 1))
      return .read
    }
    guard groups == channels, shape[0] == channels else { return .blocked }
    found.constants.append((weight, 0))
    found.factors.append((weight, 0))
    if let bias = node.input(2) {
      guard let constant = ownConstant(bias, channels: channels, fromEnd: 1) else {
        return .blocked
      }
      found.constants.append(constant)
    }
    return .onward(layout)
  }

  /// Whether it is a float constant that one node reads.
  private func isOwn(_ name: String) -> Bool {
    readCounts[name] == 1 && graph.initializers[name]?.elementType == .float32
  }

  /// A constant of one value for each channel, these on the axis `fromEnd` places before the end.
  private func ownConstant(
    _ name: String, channels: Int, fromEnd place: Int
  ) -> ChannelFollowers.Constant? {
    guard isOwn(name), let shape = graph.initializers[name]?.shape, place > 0,
      shape.count >= place, shape[shape.count - place] == channels,
      Tensor.count(of: shape) == channels
    else { return nil }
    return (name, shape.count - place)
  }
}
