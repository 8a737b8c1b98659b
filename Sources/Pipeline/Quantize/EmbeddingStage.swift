import Foundation
import GraphIR
import Lowering
import Parallelism
import Quantization
import Tensors

/// The width of embedding tables in the quantized file.
public enum EmbeddingBits: Int, Sendable, Codable, CaseIterable {
  case four = 4
  case eight = 8
  /// Left as they are.
  case float = 32
}

/// Quantizes the tables that `Gather` looks vectors up in: at 8 bits with a scale for each vector, at 4
/// with one for each block of it.
struct EmbeddingStage {
  let model: Model
  let tables: [QuantizedTable]

  /// Neighbours that share a scale at 4 bits, at most.
  private static let largestBlock = 32
  private static let smallestBlock = 16

  init(_ model: Model, bits: EmbeddingBits, pool: WorkerPool) throws {
    guard bits != .float else {
      (self.model, tables) = (model, [])
      return
    }
    tables = try EmbeddingTables.find(in: model).compactMap { table in
      guard let weight = model.graph.initializers[table.weight],
        weight.withElements(of: Float.self, { $0.allSatisfy(\.isFinite) })
      else { return nil }
      return try Self.quantized(weight, table, bits: bits, pool: pool)
    }
    self.model = tables.isEmpty ? model : try model.applying([.quantizeTables(tables)])
  }

  /// What the device stores of the tables.
  var byteCount: Int { tables.reduce(0) { $0 + $1.byteCount } }

  private static func quantized(
    _ weight: Tensor, _ table: EmbeddingTables.Table, bits: EmbeddingBits, pool: WorkerPool
  ) throws -> QuantizedTable {
    let block = bits == .four && table.allowsBlocks ? block(of: table.width) : nil
    let plan = QuantizationPlan.Table(
      weight: table.weight, bits: block == nil ? 8 : 4, block: block ?? table.width)
    let blocks = table.width / plan.block
    let rows = try WeightRows(weight, named: table.weight, axis: 0, block: plan.block)
    let quantized = WeightQuantizer(bits: plan.bits).quantize(rows, pool: pool)
    return QuantizedTable(
      plan: plan,
      integers: quantized.integers.reshaped(to: [table.rows, blocks, plan.block]),
      scales: Tensor(quantized.scales, shape: [table.rows, blocks]))
  }

  /// The largest block that a vector is whole blocks of; nil where that is too small.
  private static func block(of width: Int) -> Int? {
    (smallestBlock...largestBlock).last { width % $0 == 0 }
  }
}
