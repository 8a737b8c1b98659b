import BitAllocation
import Foundation
import Quantization

/// Turns the limits of a request into an allocation.
enum BitChoice {
  static let flash = "flash"
  static let averageBits = "average-bits"

  /// `unquantizedBytes` is what the device stores besides the layers.
  static func allocate(
    layers: [WeightLayer], sensitivities: SensitivityTable, options: QuantizeOptions,
    bits: [Int], unquantizedBytes: Int
  ) throws -> BitPlan {
    let costs = costTable(layers, bits: bits, unquantizedBytes: unquantizedBytes)
    let weights = layers.reduce(0) { $0 + weightCount($1) }
    var limits: [Budget.Limit] = []
    if let bytes = options.flash {
      limits.append(.init(resource: flash, maximum: bytes, unit: "bytes"))
    }
    if let average = options.averageBits {
      // A hair more, so that 4.8 of 10 weights allows 48 bits.
      limits.append(
        .init(
          resource: averageBits, maximum: Int(average * Double(weights) * (1 + 1e-12)),
          unit: "bits a weight", divisor: Double(max(weights, 1))))
    }
    let byWeight = Dictionary(grouping: layers, by: \.site.weight).values
    let ties = byWeight.map { $0.map(\.name) }.filter { $0.count > 1 }
    return try BitAllocator.allocate(
      sensitivities: sensitivities, costs: costs, budget: Budget(limits: limits), ties: ties)
  }

  private static func costTable(
    _ layers: [WeightLayer], bits: [Int], unquantizedBytes: Int
  ) -> CostTable {
    CostTable(
      resources: [flash, averageBits], fixed: [unquantizedBytes, 0],
      layers: layers.map { layer in
        let costs = bits.map { ($0, [layer.bytes(bits: $0), weightCount(layer) * $0]) }
        return .init(name: layer.name, costs: Dictionary(costs) { first, _ in first })
      })
  }

  /// Weights, shared ones once.
  static func weightCount(_ layer: WeightLayer) -> Int {
    layer.repeatsWeight ? 0 : layer.rows.count * layer.rows.length
  }
}

extension AllocationError: UnmetRequestError {}
