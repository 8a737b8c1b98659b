import GraphIR
import Lowering

/// What happens to a float model before it is quantized.
enum QuantizePreparation {
  /// Functions inlined, constants and batch normalizations folded, dead nodes removed. Throws where the model is quantized already.
  /// `options` say what else: weights of Gemm in the order that products of blocks want, large
  /// constants in 16 bits.
  static func prepare(
    _ model: Model, path: String, options: QuantizeOptions? = nil
  ) throws -> Model {
    let quantizers: Set = [
      "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
      "QLinearMatMul", "ConvInteger", "MatMulInteger",
    ]
    if let node = model.graph.nodes.first(where: { quantizers.contains($0.op) }) {
      throw QuantizeError.alreadyQuantized(path: path, node: node.label)
    }
    let prepared = try model.applying([
      .inlineFunctions, .materializeConstants, .foldConstants(), .foldBatchNormalization,
      .removeDeadNodes,
    ])
    var patches: [GraphPatch] = []
    if options?.scaleBlock != nil { patches.append(.untransposeGemmWeights) }
    if let options, options.storesHalfFloats {
      var quantized = Set(
        try QuantizationSites.analyze(prepared).layers.flatMap { [$0.weight, $0.bias ?? ""] })
      if options.embeddingBits != .float {
        quantized.formUnion(EmbeddingTables.find(in: prepared).map(\.weight))
      }
      patches.append(.storeHalfFloats(except: quantized))
    }
    return try prepared.applying(patches)
  }

  /// Bytes of constants that no layer quantizes: floats as they are, and embeddings in integers,
  /// whose scales are among the floats. Scalars are settings of operators, not weights.
  static func unquantizedBytes(
    _ model: Model, layers: [WeightLayer], tables: [QuantizedTable]
  ) -> Int {
    let owned = Set(layers.flatMap { [$0.site.weight, $0.site.bias ?? ""] })
    let integers = tables.reduce(0) { $0 + $1.byteCount - $1.scales.storage.byteCount }
    return model.graph.initializers.reduce(integers) { sum, entry in
      let (name, tensor) = entry
      guard tensor.elementType.isFloatingPoint, tensor.rank > 0, !owned.contains(name) else {
        return sum
      }
      return sum + tensor.storage.byteCount
    }
  }
}
