import Tensors

/// What a network costs, found without running it.
public struct GraphStatistics: Sendable, Codable, Equatable {
  /// A node that multiplies by weights or another matrix.
  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    public var op: String
    /// Multiply-accumulates of one run; nil where a shape is not known.
    public var macs: Int?
    /// Bytes of the constants that the node reads, scales and zero points included.
    public var weightBytes: Int
    /// Nil where it is not known.
    public var outputShape: [Int]?

    private enum CodingKeys: String, CodingKey {
      case name, op, macs
      case weightBytes = "weight_bytes"
      case outputShape = "output_shape"
    }
  }

  /// Nodes by operator, subgraphs included.
  public var operators: [String: Int]
  /// Multiply-accumulates of all layers whose shapes are known.
  public var macs: Int
  /// Bytes of all constants as the file stores them, sub-byte ones packed.
  public var weightBytes: Int
  /// The largest set of activations that must exist at once, in node order: a lower bound for any
  /// engine that neither reorders nor works in place.
  public var peakRAMBytes: Int
  public var layers: [Layer]

  private enum CodingKeys: String, CodingKey {
    case operators, macs, layers
    case weightBytes = "weight_bytes"
    case peakRAMBytes = "peak_ram_bytes"
  }

  /// `inputShapes` fixes open dimensions of inputs; those that stay open count as 1, or stay
  /// unknown where the model cannot work on that little.
  public init(_ model: Model, inputShapes: [String: [Int]] = [:]) throws {
    let types = try GraphStatistics.types(model, inputShapes)
    operators = [:]
    model.graph.countOperators(into: &operators)
    weightBytes = model.graph.constantBytes
    peakRAMBytes = ActivationLiveness(model.graph, types: types).peakBytes
    let constants = ConstantSources(model.graph)
    layers = model.graph.nodes.compactMap { node in
      LayerCost(node, types: types).map { cost in
        Layer(
          name: node.name.isEmpty ? node.identity : node.name, op: node.op, macs: cost.macs,
          weightBytes: constants.bytes(of: node), outputShape: types[node.identity]?.fixedShape)
      }
    }
    macs = layers.reduce(0) { $0.addingSaturating($1.macs ?? 0) }
  }

  private static func types(
    _ model: Model, _ given: [String: [Int]]
  ) throws -> [String: ValueType] {
    var shapes = given
    for input in model.graph.requiredInputs where shapes[input.name] == nil {
      guard case .tensor(_, let shape?) = input.type else { continue }
      shapes[input.name] = shape.map { $0.size ?? 1 }
    }
    do {
      return try ShapeInference.infer(model, inputShapes: shapes)
    } catch GraphError.shapeMismatch {
      return try ShapeInference.infer(model, inputShapes: given)
    }
  }
}

extension Int {
  /// The sum, or the largest integer where that overflows.
  fileprivate func addingSaturating(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension ValueType {
  /// The shape of a tensor where every dimension is fixed.
  public var fixedShape: [Int]? {
    if case .tensor(_, let shape) = self { shape?.fixed } else { nil }
  }
}

extension Graph {
  fileprivate func countOperators(into counts: inout [String: Int]) {
    for node in nodes {
      counts[node.domain.isEmpty ? node.op : "\(node.domain).\(node.op)", default: 0] += 1
      for graph in node.subgraphs { graph.countOperators(into: &counts) }
    }
  }

  /// Bytes of initializers and of tensors in attributes, subgraphs included.
  fileprivate var constantBytes: Int {
    var total = initializers.values.reduce(0) { $0 + $1.byteCount }
    for node in nodes {
      if node.op == "Constant" { total += node.constantValue?.byteCount ?? 0 }
      for graph in node.subgraphs { total += graph.constantBytes }
    }
    return total
  }
}

extension Tensor {
  /// Bytes of the elements; strings count their characters.
  var byteCount: Int {
    elementType == .string ? strings.reduce(0) { $0 + $1.count } : storage.byteCount
  }
}
