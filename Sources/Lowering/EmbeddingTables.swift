public import GraphIR
public import Quantization
public import Tensors

/// Tables of vectors that `Gather` looks up by integers: embeddings.
///
/// Vectors are looked up as integers and dequantized after that, so that a run turns what it reads into
/// floats and not the table:
///
///     Gather(integers, ids) -> Cast(FLOAT) -> Mul(Gather(scales, ids)) [-> Reshape]
///
/// ONNX Runtime has no `Gather` for INT4: tables of 4 bits are stored as INT4 and cast to INT8, which it
/// does once, at load.
public enum EmbeddingTables {
  public struct Table: Sendable, Equatable {
    public var weight: String
    public var rows: Int
    public var width: Int
    /// Whether the rank of every lookup is known, which vectors in blocks need.
    public var allowsBlocks: Bool
  }

  /// Smaller tables are not worth their nodes.
  private static let fewestRows = 64

  /// The float tables of the model that nothing but lookups of whole vectors reads.
  public static func find(in model: Model) -> [Table] {
    let index = GraphIndex(model.graph)
    let types = (try? ShapeInference.infer(model)) ?? [:]
    return model.graph.initializers.compactMap { name, tensor in
      guard tensor.elementType == .float32, tensor.rank == 2, tensor.shape[0] >= fewestRows,
        tensor.shape[1] > 1, !index.isVisibleOutside(name), let readers = index.consumers[name]
      else { return nil }
      let nodes = readers.map { index.nodes[$0] }
      // An input that is also a default could be overridden.
      guard !model.graph.inputs.contains(where: { $0.name == name }) else { return nil }
      let areLookups = nodes.allSatisfy { node in
        node.isOperator("Gather") && node.input(0) == name && node.input(1) != name
          && (try? node.int("axis")) ?? 0 == 0
      }
      guard areLookups else { return nil }
      return Table(
        weight: name, rows: tensor.shape[0], width: tensor.shape[1],
        allowsBlocks: nodes.allSatisfy { node in
          node.input(1).map { InferredRank.of($0, types, model.graph) != nil } ?? false
        })
    }
  }
}

/// The integers of a table, `[rows, blocks, block]`, and a scale for each block, `[rows, blocks]`.
public struct QuantizedTable: Sendable {
  public var plan: QuantizationPlan.Table
  public var integers: Tensor
  public var scales: Tensor

  public init(plan: QuantizationPlan.Table, integers: Tensor, scales: Tensor) {
    self.plan = plan
    self.integers = integers
    self.scales = scales
  }

  /// As the file stores it.
  public var byteCount: Int {
    (WeightEncoding.elementType(bits: plan.bits).byteCount(of: integers.count) ?? 0)
      + scales.storage.byteCount
  }
}

extension GraphPatch {
  /// Replaces float tables; the looked up values keep their names.
  public static func quantizeTables(_ tables: [QuantizedTable]) -> GraphPatch {
    GraphPatch("quantize embedding tables") { model in
      let types = (try? ShapeInference.infer(model)) ?? [:]
      var scope = NameSupply(model.graph, nodeNames: true)
      for table in tables {
        var rewriter = TableRewriter(table, types: types, scope: scope)
        rewriter.rewrite(&model.graph)
        scope = rewriter.scope
      }
    }
  }
}

/// Writes one table in integers.
private struct TableRewriter {
  private let table: QuantizedTable
  private let types: [String: ValueType]
  private(set) var scope: NameSupply

  init(_ table: QuantizedTable, types: [String: ValueType], scope: NameSupply) {
    self.table = table
    self.types = types
    self.scope = scope
  }

  mutating func rewrite(_ graph: inout Graph) {
    let name = table.plan.weight
    let stored = WeightEncoding.elementType(bits: table.plan.bits)
    let rows = table.integers.shape[0]
    let blocks = table.scales.shape[1]
    let isWhole = blocks == 1
    let integers = table.integers.reshaped(
      to: isWhole ? [rows, table.plan.block] : [rows, blocks, table.plan.block])
    let scales = table.scales.reshaped(to: isWhole ? [rows, 1] : [rows, blocks, 1])
    let (integersName, scalesName) = (
      scope.fresh(name + "_quantized"), scope.fresh(name + "_scale")
    )
    graph.replaceInitializer(
      name, by: [(integersName, WeightEncoding.pack(integers, as: stored)), (scalesName, scales)])
    var source = integersName
    var insertion = NodeInsertion()
    if stored != .int8 {
      source = scope.fresh(name + "_cast")
      insertion.atFront([
        node("Cast", name, [integersName], source, [cast(to: .int8)])
      ])
    }
    let lookups = graph.nodes.indices.filter { graph.nodes[$0].input(0) == name }
    for position in lookups {
      let lookup = graph.nodes[position]
      let (result, indices) = (lookup.identity, lookup.inputs[1])
      let (integers, floats, scale) = (
        scope.fresh(result + "_integers"), scope.fresh(result + "_floats"),
        scope.fresh(result + "_scales")
      )
      let product = isWhole ? result : scope.fresh(result + "_blocks")
      graph.nodes[position].inputs[0] = source
      graph.nodes[position].outputs[0] = integers
      var added = [
        node("Cast", result, [integers], floats, [cast(to: .float32)]),
        node(
          "Gather", result + "_scales", [scalesName, indices], scale, [Attribute("axis", .int(0))]),
        node("Mul", result, [floats, scale], product, []),
      ]
      if !isWhole {
        let shape = scope.fresh(result + "_shape")
        let rank = InferredRank.of(indices, types, graph) ?? 0
        graph.initializers[shape] = Tensor(
          [Int64](repeating: 0, count: rank) + [-1], shape: [rank + 1])
        added.append(node("Reshape", result, [product, shape], result, []))
      }
      insertion.insert(added, after: position)
    }
    graph.nodes = insertion.applied(to: graph.nodes)
  }

  private mutating func node(
    _ op: String, _ hint: String, _ inputs: [String], _ output: String, _ attributes: [Attribute]
  ) -> Node {
    Node(
      name: scope.fresh("\(hint)_\(op)"), op: op, inputs: inputs, outputs: [output],
      attributes: attributes)
  }

  private func cast(to type: ElementType) -> Attribute {
    Attribute("to", .int(Int(type.rawValue)))
  }
}

/// The rank of a value or initializer; nil where it is not known.
private enum InferredRank {
  static func of(_ name: String, _ types: [String: ValueType], _ graph: Graph) -> Int? {
    if let tensor = graph.initializers[name] { return tensor.rank }
    if case .tensor(_, let shape)? = types[name] { return shape?.count }
    return nil
  }
}
