import GraphIR
import Tensors

/// Finds the pairs of a graph: `Conv`, `Gemm`, `MatMul` or `LayerNormalization`, then operators that
/// commute with a positive factor for each channel, then layers; and values that come in float, of
/// which products read a copy.
struct PairFinder {
  private let graph: Graph
  private let layers: [String: RoundingLayer]
  private var readers: [String: [Node]] = [:]
  /// Readers of each name, graph outputs and subgraphs included.
  private var readCounts: [String: Int] = [:]

  /// What commutes with a positive factor, and with a summand too but for what it does to negative
  /// values.
  private static let homogeneous: Set = [
    "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "Flatten", "Reshape",
    "Identity", "Dropout",
  ]

  init(_ graph: Graph, layers: [RoundingLayer]) {
    self.graph = graph
    self.layers = Dictionary(
      layers.map { ($0.weight, $0) }, uniquingKeysWith: { first, _ in first })
    for node in graph.nodes {
      var names: Set<String> = []
      node.collectReads(into: &names)
      for name in names { readCounts[name, default: 0] += 1 }
      for name in Set(node.inputs) { readers[name, default: []].append(node) }
    }
    for output in graph.outputs { readCounts[output.name, default: 0] += 1 }
  }

  /// `floatValues`: those that are only quantized for the layers that read them.
  func pairs(floatValues: Set<String> = []) -> [EqualizationPair] {
    let pairs = graph.nodes.compactMap(pair)
    let scaled = Set(pairs.flatMap(\.consumers).map(\.weight))
    return pairs
      + graph.nodes.flatMap(\.outputs).filter(floatValues.contains).compactMap { value in
        copied(value).flatMap { pair in
          pair.consumers.contains { scaled.contains($0.weight) } ? nil : pair
        }
      }
  }

  private func copied(_ value: String) -> EqualizationPair? {
    let nodes = (readers[value] ?? []).filter { node in
      node.input(0) == value && node.input(1).map { layers[$0] != nil } ?? false
    }
    guard let weight = nodes.first?.input(1), let channels = layers[weight]?.rows.length,
      nodes.allSatisfy({ $0.op != "Conv" }),
      let consumers = consumers(nodes, of: value, channels: channels)
    else { return nil }
    return EqualizationPair(
      producer: .copy(of: value), isLimited: false, offset: nil,
      channels: channels, consumers: consumers)
  }

  private func pair(of node: Node) -> EqualizationPair? {
    guard let producer = producer(node) else { return nil }
    var value = producer.value
    var operators: Set<String> = []
    while readCounts[value] == 1, let next = readers[value]?.first, next.domain.isEmpty,
      Self.homogeneous.contains(next.op) || clipsFromZero(next), next.input(0) == value,
      next.output(1) == nil
    {
      operators.insert(next.op)
      value = next.identity
    }
    guard let nodes = readers[value], nodes.count == readCounts[value],
      let consumers = consumers(nodes, of: value, channels: producer.channels)
    else { return nil }
    let isLimited = operators.contains("Clip")
    let isRectified = !operators.isDisjoint(with: ["Relu", "LeakyRelu"])
    // A mean does not tell where the values behind it were cut off.
    let averages = !operators.isDisjoint(with: ["AveragePool", "GlobalAveragePool"])
    guard !(isLimited && averages) else { return nil }
    var offset: EqualizationPair.Offset?
    // Means at a border may count zeros, as padded convolutions do.
    if let bias = producer.bias, !isLimited, !(isRectified && averages),
      !operators.contains("AveragePool"),
      consumers.allSatisfy({ hasBias($0) && !$0.observed.readsPadding })
    {
      offset = .init(bias: bias, isRectified: isRectified)
    }
    return EqualizationPair(
      producer: .constants(producer.constants), isLimited: isLimited, offset: offset,
      channels: producer.channels, consumers: consumers)
  }

  private func hasBias(_ layer: RoundingLayer) -> Bool {
    guard let bias = layer.bias.flatMap({ graph.initializers[$0] }) else { return false }
    return bias.elementType == .float32 && bias.count == layer.rows.count
  }

  /// Whether the node is Relu6's kind of `Clip`.
  private func clipsFromZero(_ node: Node) -> Bool {
    guard node.isOperator("Clip"), let low = node.input(1).flatMap({ graph.initializers[$0] }),
      low.elementType == .float32
    else { return false }
    return low.elements(of: Float.self) == [0]
  }

  /// The layers of the nodes; nil where one of them is none that can be scaled.
  private func consumers(
    _ nodes: [Node], of value: String, channels: Int
  ) -> [RoundingLayer]? {
    let consumers = nodes.compactMap { reader -> RoundingLayer? in
      guard reader.input(0) == value, let weight = reader.input(1), readCounts[weight] == 1,
        let layer = layers[weight]
      else { return nil }
      let taps = Tensor.count(of: layer.window)
      let (groups, length) = layer.isDepthwise ? (channels, taps) : (1, channels * taps)
      return layer.observed.group == groups && layer.rows.length == length ? layer : nil
    }
    return consumers.count == nodes.count && !consumers.isEmpty ? consumers : nil
  }

  /// The constants that scale with the channels of a node's result, and that result.
  private func producer(
    _ node: Node
  ) -> (
    constants: [(initializer: String, axis: Int)], bias: String?, channels: Int, value: String
  )? {
    guard node.domain.isEmpty, let weight = node.input(1), readCounts[weight] == 1,
      let tensor = graph.initializers[weight], tensor.elementType == .float32
    else { return nil }
    var value = node.identity
    var constants: [(String, Int)]
    var bias = node.input(2)
    if node.op == "LayerNormalization" {
      guard tensor.rank == 1, node.output(1) == nil else { return nil }
      constants = [(weight, 0)]
    } else {
      guard let layer = layers[weight] else { return nil }
      constants = [(weight, layer.rows.axis)]
      if node.op == "MatMul" {
        guard let name = layer.bias, readCounts[value] == 1, let add = readers[value]?.first,
          add.isOperator("Add"), add.inputs.contains(name)
        else { return nil }
        bias = name
        value = add.identity
      }
    }
    let channels = tensor.shape[constants[0].1]
    if let bias {
      guard readCounts[bias] == 1, let values = graph.initializers[bias],
        values.elementType == .float32, values.count == channels, values.shape.last == channels
      else { return nil }
      constants.append((bias, values.rank - 1))
    }
    return (constants, bias, channels, value)
  }
}
